#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>
#include <regolo/metadata.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace regolo::inline v0 {

/// A model that the server offers.
struct model
{
    model() = default;

    std::string id;  ///< case matters
    std::string object;
    std::int64_t created = 0;
    std::string owned_by;
    boost::json::object extra;
};

/// The answer of `GET /v1/models`.
struct REGOLO_EXPORT model_list
{
    model_list() = default;

    std::vector<model> data;
    boost::json::object extra;
    regolo::metadata metadata;

    [[nodiscard]] bool contains(std::string_view id) const noexcept;
};

template <>
REGOLO_EXPORT result<model> from_json<model>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<model_list> from_json<model_list>(const boost::json::value& json);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const model& value);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const model_list& list);

}  // namespace regolo::inline v0
