#include "core/embedding_codec.hpp"

#include "core/base64.hpp"

#include <boost/endian/conversion.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace regolo {

namespace core {

namespace json = boost::json;

namespace {

constexpr double largest = std::numeric_limits<float>::max();
/// The first number that rounding takes beyond it: "3.4028235e38", as the largest is written, is a little above it.
constexpr double beyond_floats = 0x1.ffffffp127;

bool read_floats(std::string_view base64, const json_place& place, std::vector<float>& out)
{
    const auto bytes = decode_base64(base64);
    if (!bytes || bytes->size() % sizeof(float) != 0)
        return place.fail("is no base64 of 32-bit floats");
    out.resize(bytes->size() / sizeof(float));
    for (std::size_t i = 0; i < out.size(); ++i)
    {
        std::uint32_t bits = 0;
        std::memcpy(&bits, bytes->data() + i * sizeof(bits), sizeof(bits));
        out[i] = std::bit_cast<float>(boost::endian::little_to_native(bits));
        if (!std::isfinite(out[i]))
            return place.element(i).fail("is not finite");
    }
    return true;
}

}  // namespace

bool read_json(json_view json, const json_place& place, std::vector<float>& out)
{
    if (json.is_string())
        return read_floats(json.text(), place, out);
    if (!json.is_array())
        return place.fail("is neither a list of numbers nor base64");
    out.clear();
    out.reserve(json.size());
    for (const auto number : json.elements())
    {
        const auto value = number.is_number() ? number.to_double() : NAN;
        if (!(std::abs(value) < beyond_floats))
            return place.element(out.size()).fail("is not a 32-bit float");
        out.push_back(static_cast<float>(std::clamp(value, -largest, largest)));
    }
    return true;
}

json::value write_json(const std::vector<float>& values, const write_context& context)
{
    json::array array(context.storage);
    array.reserve(values.size());
    for (const float value : values)
        array.emplace_back(double{value});
    return array;
}

}  // namespace core

inline namespace v0 {

REGOLO_DEFINE_JSON(embedding_request)
REGOLO_DEFINE_JSON(embedding)
REGOLO_DEFINE_JSON(embedding_response)

}  // namespace v0
}  // namespace regolo
