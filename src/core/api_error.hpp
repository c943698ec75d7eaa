#pragma once

#include "core/http_message.hpp"
#include "core/json_view.hpp"

#include <regolo/error.hpp>

#include <chrono>
#include <string_view>

namespace regolo::core {

/** What a response that is no success means: code, the server's words from any of the shapes that gateways send
    (API shapes, FastAPI, HTML, plain text, nothing), ids, retry-after, metadata. `body` may be cut at the limit.
    @param now  for a `Retry-After` that is a date */
error_info decode_error(const response_head& head, std::string_view body,
                        std::chrono::system_clock::time_point now);

/// What an error means that came under the head of a success: as the whole body, or inside a stream.
enum class error_place
{
    body,
    stream
};
error_info decode_error_frame(json_view frame, error_place where);
/// The same for one that is text.
error_info decode_error_text(std::string_view text, error_place where);

/// Whether JSON is an error frame: "error" is there at its top or in a choice, or "errors", "detail" or the like without
/// "choices".
bool is_error_frame(json_view json) noexcept;

/** The status that an error is judged by: the HTTP status of a failed response, else the code that an error frame
    gives (a number, or a name such as "rate_limit_exceeded" or "overloaded_error"), else 0. */
int effective_status(const error_info& info) noexcept;

/// A budget or quota is used up, so that no retry helps: exact matches on code and type.
bool is_exhausted(const error_info& info) noexcept;

/// Where a server's answer repeats the key, or anything that looks like one, it is replaced.
std::string redact(std::string_view text, std::string_view key);
/// The same for every text member of an error.
void redact(error_info& info, std::string_view key);
/// The same for what a response told, and for a word of it: only where the key or a part of it is repeated.
void redact(metadata& told, std::string_view key);
std::string redact_key(std::string_view text, std::string_view key);

/** `retry-after-ms`, `retry-after` (seconds, fraction, HTTP date) or `llm_provider-retry-after`; nothing for zero,
    negative, past or unreadable values. */
std::optional<std::chrono::microseconds> read_retry_after(
    const std::vector<header>& headers, std::chrono::system_clock::time_point now);

}  // namespace regolo::core
