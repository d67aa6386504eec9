set(here csrc/mtp_derivatives)
elyte_module(mtp_derivatives ${here}/bindings.cpp ${here}/frames.cpp ${here}/tables.cpp
  ${here}/passes_portable.cpp)
# vectors of 64 bytes stay inside a file: that their calling convention differs does not matter
set_source_files_properties(${here}/passes_portable.cpp PROPERTIES COMPILE_OPTIONS "-Wno-psabi")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_definitions(mtp_derivatives PRIVATE ELYTE_X86)
  target_sources(mtp_derivatives PRIVATE ${here}/passes_avx2.cpp ${here}/passes_avx512.cpp)
  set_source_files_properties(${here}/passes_avx2.cpp PROPERTIES
    COMPILE_OPTIONS "-mavx2;-mfma;-Wno-psabi")
  set_source_files_properties(${here}/passes_avx512.cpp PROPERTIES
    COMPILE_OPTIONS "-mavx512f;-mavx512dq;-mavx512vl;-mavx2;-mfma;-mprefer-vector-width=512;-Wno-psabi")
endif()
