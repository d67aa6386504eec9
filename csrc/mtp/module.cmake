# One file for each instruction set and precision; vectors stay inside a file: that their calling
# convention differs does not matter.
set(mtp_sources csrc/mtp/bindings.cpp csrc/mtp/plan.cpp csrc/mtp/evaluator.cpp
  csrc/mtp/ghost_list.cpp csrc/mtp/grades.cpp)
set(mtp_flags_portable "")
set(mtp_flags_avx2 -mavx2 -mfma)
set(mtp_flags_avx512 -mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx2 -mfma
  -mprefer-vector-width=512)
set(mtp_isas portable)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND mtp_isas avx2 avx512)
endif()
# Append PREFIX_ISA.cpp and PREFIX_ISA_single.cpp of each instruction set to a list, with their flags.
function(elyte_for_each_isa sources prefix)
  set(all ${${sources}})
  foreach(isa ${mtp_isas})
    foreach(file ${prefix}_${isa}.cpp ${prefix}_${isa}_single.cpp)
      list(APPEND all ${file})
      set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS
        "-Wno-psabi;${mtp_flags_${isa}}")
    endforeach()
  endforeach()
  set(${sources} ${all} PARENT_SCOPE)
endfunction()
elyte_for_each_isa(mtp_sources csrc/mtp/kernel)
elyte_module(mtp ${mtp_sources})
