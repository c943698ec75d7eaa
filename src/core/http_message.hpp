#pragma once

#include "core/base_url.hpp"
#include "core/proxy.hpp"
#include "core/secret.hpp"

#include <regolo/error.hpp>
#include <regolo/headers.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::core {

/// How a request tells where its body ends.
struct body_length
{
    std::optional<std::uint64_t> bytes;  ///< unset: the body is sent in chunks
};

/// A field of a request. Its text is kept by others.
struct field_view
{
    std::string_view name;
    std::string_view value;

    field_view(std::string_view field_name, std::string_view field_value)
        : name(field_name), value(field_value)
    {}
    explicit field_view(const header& kept) : name(kept.name), value(kept.value) {}
    explicit field_view(header&&) = delete;
};

/// The value of the first field of that name (any case), or nothing.
std::optional<std::string_view> find_header(const std::vector<field_view>& fields,
                                            std::string_view name) noexcept;

/// A request without its key and its body. The texts that it views have to outlive it.
struct http_request
{
    std::string_view method;
    std::string target;
    std::vector<field_view> headers;
    std::optional<body_length> body;  ///< unset: none
};

/// The head of a response.
struct response_head
{
    int status = 0;
    int version = 11;  ///< 10 or 11
    std::string reason;
    std::vector<header> headers;
};

/** A key as it goes into the `Authorization` field: without white space around it and without "Bearer ", which people
    copy along. Empty stays empty: no key. Fails with `errc::bad_config`, without showing it, where anything but visible
    ASCII is inside. The view points into `key`. */
result<std::string_view> clean_key(std::string_view key);

/** The bytes of a request head, in one buffer that is wiped after use. `key` becomes the `Authorization` field when
    it is not empty, unless the caller's own headers carry one; see `clean_key`. Names must be tokens, values free of
    control characters (tab excepted), and the fields that frame the message (Host, Content-Length, Transfer-Encoding,
    Connection and the like) are not the caller's: otherwise `errc::invalid_request` (`errc::bad_config` for the key),
    without showing the value. Sets Host and Content-Length (POST, PUT, PATCH, or where there is a
    body of known length) or Transfer-Encoding, and no Connection field.

    @param via   a proxy that is to pass the request on, which is told the whole URL and its credentials; null: none
    @param room  for so many more bytes, which may be appended */
result<secret> encode_head(const http_request& request, const origin& where, std::string_view key,
                           const proxy_server* via = nullptr, std::size_t room = 0);

/// A piece of a body of unknown length with its frame, written to `out`; none is the end of the body.
std::string_view encode_chunk(std::string_view piece, std::string& out);

/// Puts `wanted` in place of a field of the same name, or appends it.
void set_header(std::vector<field_view>& fields, field_view wanted);
void remove_header(std::vector<field_view>& fields, std::string_view name);

/// A field whose value is a key, a password or a session.
bool is_secret_field(std::string_view name) noexcept;
/// What of such a value is secret: all of it but a scheme, such as "Bearer".
std::string_view secret_part(std::string_view value) noexcept;

/// The media type of a content-type value, lower case, without parameters: "text/event-stream".
std::string media_type(std::string_view content_type);
/// "application/json", or any "...+json".
bool is_json_type(std::string_view media_type) noexcept;

/** Seconds of `Keep-Alive: timeout=N`, if the head has it. */
std::optional<int> keep_alive_timeout(const response_head& head) noexcept;

}  // namespace regolo::core
