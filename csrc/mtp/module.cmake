set(mtp_sources csrc/mtp/bindings.cpp csrc/mtp/plan.cpp csrc/mtp/evaluator.cpp
  csrc/mtp/kernel_portable.cpp)
# vectors stay inside a file: that their calling convention differs does not matter
set_source_files_properties(csrc/mtp/kernel_portable.cpp PROPERTIES COMPILE_OPTIONS "-Wno-psabi")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND mtp_sources csrc/mtp/kernel_avx2.cpp csrc/mtp/kernel_avx512.cpp)
  set_source_files_properties(csrc/mtp/kernel_avx2.cpp PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma;-Wno-psabi")
  set_source_files_properties(csrc/mtp/kernel_avx512.cpp PROPERTIES COMPILE_OPTIONS
    "-mavx512f;-mavx512dq;-mavx512vl;-mavx512bw;-mavx2;-mfma;-mprefer-vector-width=512")
endif()
elyte_module(mtp ${mtp_sources})
