# One file for each instruction set, with the flags of the kernel (csrc/mtp/module.cmake).
set(derivatives_sources csrc/mtp/plan.cpp)
foreach(file bindings frames structures tables)
  list(APPEND derivatives_sources csrc/mtp_derivatives/${file}.cpp)
endforeach()
foreach(isa ${mtp_isas})
  list(APPEND derivatives_sources csrc/mtp_derivatives/passes_${isa}.cpp)
  set_source_files_properties(csrc/mtp_derivatives/passes_${isa}.cpp PROPERTIES COMPILE_OPTIONS
    "-Wno-psabi;${mtp_flags_${isa}}")
endforeach()
elyte_module(mtp_derivatives ${derivatives_sources})
