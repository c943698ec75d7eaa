#include "support/simulation.hpp"
namespace regolo::test {
struct simulation::state
{};
simulation::simulation(simulation_options) {}
simulation::~simulation() = default;
script simulation::answer(const received_request&)
{
    return script().respond(200, "application/json", "{}");
}
}  // namespace regolo::test
