#include "core/json_text.hpp"

#include "core/json_reader.hpp"
#include "core/text.hpp"
#include "core/utf8.hpp"

#include <boost/json/error.hpp>

#include <optional>
#include <utility>

namespace regolo::core {

namespace json = boost::json;

namespace {

constexpr std::size_t escape_size = 6;  // \uXXXX

// The code unit of the escape that begins at `at`, if one does.
std::optional<unsigned> unit_at(std::string_view text, std::size_t at) noexcept
{
    if (text.size() < at + escape_size || text[at] != '\\' || text[at + 1] != 'u')
        return std::nullopt;
    unsigned unit = 0;
    for (std::size_t i = at + 2; i < at + escape_size; ++i)
    {
        const auto digit = hex_digit(text[i]);
        if (!digit)
            return std::nullopt;
        unit = unit << 4 | *digit;
    }
    return unit;
}

constexpr char32_t replacement_character = 0xFFFD;

bool is_high(unsigned unit) noexcept { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low(unsigned unit) noexcept { return unit >= 0xDC00 && unit <= 0xDFFF; }

}  // namespace

void append_code_point(std::string& out, char32_t code)
{
    const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
    put(code < 0x10000 ? 0xE0 | (code >> 12) : 0xF0 | (code >> 18));
    if (code >= 0x10000)
        put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
}

std::string repair_json(std::string_view text, bool keep_surrogates)
{
    std::string valid;
    append_valid_utf8(valid, text);
    std::string out;
    out.reserve(valid.size() + 16);
    std::size_t at = 0;
    while (at < valid.size())
    {
        const auto escape = std::min(valid.find('\\', at), valid.size());
        out.append(valid, at, escape - at);
        at = escape;
        if (at == valid.size())
            break;
        const auto unit = unit_at(valid, at);
        const auto next = unit && is_high(*unit) ? unit_at(valid, at + escape_size) : std::nullopt;
        // two characters at least, so that an escaped backslash never begins an escape
        auto length = unit ? escape_size : std::min<std::size_t>(2, valid.size() - at);
        const bool pair = next && is_low(*next);
        if (pair)
            length += escape_size;
        if (unit && !pair && (is_high(*unit) || is_low(*unit)))
            append_code_point(
                out, keep_surrogates ? stand_in_base + (*unit - 0xD800) : replacement_character);
        else
            out.append(valid, at, length);
        at += length;
    }
    return out;
}

bool has_stand_ins(std::string_view text) noexcept
{
    // U+10F800 and above, as bytes or as an escaped pair
    for (std::size_t at = 0; (at = text.find("\xF4\x8F", at)) != std::string_view::npos; at += 2)
        if (at + 2 < text.size() && static_cast<unsigned char>(text[at + 2]) >= 0xA0)
            return true;
    for (std::size_t at = 0; (at = text.find("\\u", at)) != std::string_view::npos; at += 2)
    {
        const auto unit = unit_at(text, at);
        if (!unit || (*unit & 0xFFFEU) != 0xDBFE)
            continue;
        const auto next = unit_at(text, at + escape_size);
        if (next && is_low(*next))
            return true;
    }
    return false;
}

json_parser::json_parser(const limits& bounds)
    : parser_({},
              [&] {
                  json::parse_options options;
                  options.max_depth = bounds.json_depth;
                  return options;
              }()),
      max_depth_(bounds.json_depth)
{}

json::value json_parser::attempt(std::string_view text, json::storage_ptr storage,
                                 json::error_code& ec)
{
    // forgets the storage in any case: that may go away before the parser
    struct forget_storage
    {
        json::parser& parser;
        ~forget_storage() { parser.reset(); }
    };
    parser_.reset(std::move(storage));
    const forget_storage at_end{parser_};
    parser_.write(text.data(), text.size(), ec);
    if (ec)
        return nullptr;
    return parser_.release();
}

result<json::value> json_parser::parse(std::string_view text, const json::storage_ptr& storage,
                                       bool keep_surrogates)
{
    kept_ = false;
    json::error_code ec;
    auto document = attempt(text, storage, ec);
    if (!ec)
        return document;
    if (ec != json::error::too_deep)
    {
        const bool keep = keep_surrogates && !has_stand_ins(text);
        const auto repaired = repair_json(text, keep);
        if (repaired != text)
        {
            document = attempt(repaired, storage, ec);
            kept_ = keep;
            if (!ec)
                return document;
        }
    }
    if (ec != json::error::too_deep)
        return bad_response("the response is not valid JSON: " + ec.message());
    auto failure = bad_response("the response nests deeper than limits::json_depth (" +
                                std::to_string(max_depth_) + ")");
    failure.code = errc::too_large;
    return failure;
}

}  // namespace regolo::core
