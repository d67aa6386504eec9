# One file for each instruction set and precision, with the flags of the kernel (csrc/mtp/module.cmake).
set(derivatives_sources csrc/mtp/plan.cpp)
foreach(file bindings frames structures tables)
  list(APPEND derivatives_sources csrc/mtp_derivatives/${file}.cpp)
endforeach()
foreach(isa ${mtp_isas})
  foreach(passes passes_${isa} passes_${isa}_single)
    list(APPEND derivatives_sources csrc/mtp_derivatives/${passes}.cpp)
    set_source_files_properties(csrc/mtp_derivatives/${passes}.cpp PROPERTIES COMPILE_OPTIONS
      "-Wno-psabi;${mtp_flags_${isa}}")
  endforeach()
endforeach()
elyte_module(mtp_derivatives ${derivatives_sources})
