elyte_module(dynamics csrc/dynamics/bindings.cpp csrc/dynamics/simulation.cpp)
