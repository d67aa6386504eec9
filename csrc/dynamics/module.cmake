elyte_module(dynamics csrc/dynamics/bindings.cpp csrc/dynamics/simulation.cpp
  csrc/dynamics/integrator.cpp csrc/dynamics/records.cpp)
