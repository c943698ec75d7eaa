#include "core/json_text.hpp"

#include "core/fast_paths.hpp"
#include "core/json_reader.hpp"
#include "core/json_string.hpp"
#include "core/utf8.hpp"

#include <boost/json/error.hpp>

#include <array>
#include <optional>
#include <utility>

namespace regolo::core {

namespace json = boost::json;

namespace {

/// Texts for which the parser keeps its memory for the next one.
constexpr std::size_t largest_kept = std::size_t{64} * 1024;

constexpr char32_t replacement_character = 0xFFFD;

}  // namespace

void append_code_point(std::string& out, char32_t code)
{
    std::array<char, 4> bytes{};
    out.append(bytes.data(), write_code_point(bytes.data(), code));
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
        const auto unit = escaped_unit(valid, at);
        const auto next = unit && is_high_surrogate(*unit)
                              ? escaped_unit(valid, at + unit_escape_size)
                              : std::nullopt;
        // two characters at least, so that an escaped backslash never begins an escape
        auto length = unit ? unit_escape_size : std::min<std::size_t>(2, valid.size() - at);
        const bool pair = next && is_low_surrogate(*next);
        if (pair)
            length += unit_escape_size;
        if (unit && !pair && (is_high_surrogate(*unit) || is_low_surrogate(*unit)))
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
        const auto unit = escaped_unit(text, at);
        if (!unit || (*unit & 0xFFFEU) != 0xDBFE)
            continue;
        const auto next = escaped_unit(text, at + unit_escape_size);
        if (next && is_low_surrogate(*next))
            return true;
    }
    return false;
}

json_parser::json_parser(const limits& bounds) : max_depth_(bounds.json_depth), is_fast_(fast_paths)
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
    if (!parser_)
    {
        json::parse_options options;
        options.max_depth = max_depth_;
        parser_ = std::make_unique<json::parser>(json::storage_ptr(), options);
    }
    parser_->reset(std::move(storage));
    const forget_storage at_end{*parser_};
    parser_->write(text.data(), text.size(), ec);
    if (ec)
        return nullptr;
    return parser_->release();
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

result<json_view> json_parser::parse(std::string_view text, json_tape& tape, bool keep_surrogates)
{
    kept_ = false;
    if (is_fast_ && tape.read(text, max_depth_))
        return tape.root();
    auto tree = parse(text, tape.tree_storage(text.size()), keep_surrogates);
    // What it has grown to would lie beside the tree and the values that are made of it.
    if (text.size() > largest_kept)
        parser_.reset();
    if (!tree)
        return tree.error();
    tape.keep(std::move(*tree));
    return tape.root();
}

}  // namespace regolo::core
