#include "core/model_codec.hpp"

namespace regolo {

inline namespace v0 {

template <>
result<model> from_json<model>(const boost::json::value& json)
{
    return core::read_document<model>(json);
}

template <>
result<model_list> from_json<model_list>(const boost::json::value& json)
{
    return core::read_document<model_list>(json);
}

boost::json::value to_json(const model& value) { return core::write_json(value, {}); }

boost::json::value to_json(const model_list& list) { return core::write_json(list, {}); }

}  // namespace v0
}  // namespace regolo
