# One file for each instruction set and precision, with the flags of the kernel (csrc/mtp/module.cmake).
set(derivatives_sources csrc/mtp/plan.cpp)
foreach(file bindings frames structures tables)
  list(APPEND derivatives_sources csrc/mtp_derivatives/${file}.cpp)
endforeach()
elyte_for_each_isa(derivatives_sources csrc/mtp_derivatives/passes)
elyte_module(mtp_derivatives ${derivatives_sources})
