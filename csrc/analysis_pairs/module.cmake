elyte_module(analysis_pairs csrc/analysis_pairs/bindings.cpp csrc/analysis_pairs/histogram.cpp)
