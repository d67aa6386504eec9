elyte_module(neighbours csrc/neighbours/bindings.cpp)
