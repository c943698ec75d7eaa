// What libFuzzer calls; linked with one target.

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const auto run = regolo::fuzz::targets().front().run;
    run({reinterpret_cast<const char*>(data), size});
    return 0;
}
