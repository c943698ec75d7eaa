#pragma once

#include "core/json_tape.hpp"
#include "core/json_view.hpp"

#include <regolo/error.hpp>
#include <regolo/options.hpp>

#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::core {

/** A lone surrogate cannot stand in UTF-8. Where one has to be told from U+FFFD later on, it travels as
    the private code point 0x10F800 + (surrogate - 0xD800). */
inline constexpr char32_t stand_in_base = 0x10F800;

/// Appends a code point as UTF-8.
void append_code_point(std::string& out, char32_t code);

/** Makes JSON text acceptable that a strict parser refuses: ill-formed UTF-8 becomes U+FFFD, and so does an
    escaped surrogate without its other half, or its stand-in with `keep_surrogates`. */
std::string repair_json(std::string_view text, bool keep_surrogates);

/** Whether stand-ins could be taken for characters of the text itself. */
bool has_stand_ins(std::string_view text) noexcept;

/** Parses one document after another and keeps its memory between them. Text that a strict parser
    refuses is repaired first; ordinary text never pays for that. */
class json_parser
{
public:
    explicit json_parser(const limits& bounds);
    json_parser(const json_parser&) = delete;
    json_parser& operator=(const json_parser&) = delete;

    /** The document; it lives in memory from `storage`.
        Fails with `errc::bad_response`, or `errc::too_large` for more nesting than `limits::json_depth`. */
    result<boost::json::value> parse(std::string_view text, const boost::json::storage_ptr& storage,
                                     bool keep_surrogates = false);

    /// The same on a tape, where it holds as long as the tape and `text`.
    result<json_view> parse(std::string_view text, json_tape& tape, bool keep_surrogates = false);

    /// The last document had lone surrogates, which are now stand-ins.
    [[nodiscard]] bool has_kept_surrogates() const noexcept { return kept_; }

private:
    boost::json::value attempt(std::string_view text, boost::json::storage_ptr storage,
                               boost::json::error_code& ec);

    std::unique_ptr<boost::json::parser> parser_;  // once something is to become a tree
    std::size_t max_depth_;
    bool is_fast_;
    bool kept_ = false;
};

}  // namespace regolo::core
