# How GPAW is compiled for the tests: serially, with the C++ compiler, without other libraries.
compiler = "g++"
mpi = False
noblas = True
nolibxc = True
