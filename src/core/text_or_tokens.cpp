#include "core/text_or_tokens.hpp"

#include <utility>

namespace regolo::core {

namespace {

// Puts a value of that shape into `out` if it is one.
template <class Shape>
bool read_as(json_view json, text_or_tokens& out)
{
    read_context context(0);
    Shape value;
    if (!read_json(json, json_place(context), value))
        return false;
    out = std::move(value);
    return true;
}

// Token ids must be numbers here: the lenient reader would take texts of digits for them.
bool is_text_list(json_view array) noexcept
{
    return array.size() != 0 && (*array.elements().begin()).is_string();
}

}  // namespace

void read_text_or_tokens(object_reader& in, std::string_view name, text_or_tokens& out)
{
    out = std::string();
    const auto json = in.take(name);
    if (!json)
        return;
    const bool read = !json.is_array() ? read_as<std::string>(json, out)
                      : is_text_list(json)
                          ? read_as<std::vector<std::string>>(json, out)
                          : read_as<std::vector<std::int64_t>>(json, out) ||
                                read_as<std::vector<std::vector<std::int64_t>>>(json, out);
    if (!read)
        in.give_back(name);
}

void write_text_or_tokens(object_writer& out, std::string_view name, const text_or_tokens& value)
{
    std::visit([&](const auto& shape) { out.put(name, shape); }, value);
}

}  // namespace regolo::core
