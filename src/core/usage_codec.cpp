#include "core/usage_codec.hpp"

namespace regolo {

inline namespace v0 {

template <>
result<usage> from_json<usage>(const boost::json::value& json)
{
    return core::read_document<usage>(json);
}

boost::json::value to_json(const usage& value) { return core::write_json(value, {}); }

}  // namespace v0
}  // namespace regolo
