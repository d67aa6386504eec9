// Grades of atoms from the rows that were made with their forces.
#pragma once

#include <cstdint>
#include <vector>

#include "forcefield.hpp"
#include "mtp/aligned_memory.hpp"
#include "mtp/kernel.hpp"
#include "mtp/model.hpp"
#include "team.hpp"

namespace elyte::mtp {

// Set `grades` of an evaluation by its rows and the maps that it asks for; `types` are those of all
// atoms, `scratch` is one piece for each thread.
void grade_rows(const Kernel& kernel, const MtpModel& model, const std::vector<std::int32_t>& types,
                Team& team, std::vector<AlignedMemory>& scratch, Evaluation& result);

// Set `grades` to that of the mean of the rows, from their sums over each species.
void grade_mean(const Kernel& kernel, const MtpModel& model, const std::vector<std::int32_t>& types,
                AlignedMemory& scratch, Evaluation& result);

}  // namespace elyte::mtp
