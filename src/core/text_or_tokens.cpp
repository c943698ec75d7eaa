#include "core/text_or_tokens.hpp"

#include <utility>

namespace regolo::core {

namespace json = boost::json;

namespace {

// Puts a value of that shape into `out` if it is one.
template <class Shape>
bool read_as(const json::value& json, text_or_tokens& out)
{
    read_context context(0);
    Shape value;
    if (!read_json(json, json_place(context), value))
        return false;
    out = std::move(value);
    return true;
}

// Token ids must be numbers here: the lenient reader would take texts of digits for them.
bool is_text_list(const json::array& array) noexcept
{
    return !array.empty() && array.front().is_string();
}

}  // namespace

void read_text_or_tokens(object_reader& in, std::string_view name, text_or_tokens& out)
{
    out = std::string();
    const auto* json = in.take(name);
    if (json == nullptr)
        return;
    const auto* array = json->if_array();
    const bool read = array == nullptr ? read_as<std::string>(*json, out)
                      : is_text_list(*array)
                          ? read_as<std::vector<std::string>>(*json, out)
                          : read_as<std::vector<std::int64_t>>(*json, out) ||
                                read_as<std::vector<std::vector<std::int64_t>>>(*json, out);
    if (!read)
        in.give_back(name);
}

void write_text_or_tokens(object_writer& out, std::string_view name, const text_or_tokens& value)
{
    std::visit([&](const auto& shape) { out.put(name, shape); }, value);
}

}  // namespace regolo::core
