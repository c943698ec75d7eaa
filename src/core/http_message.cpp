#include "core/http_message.hpp"

#include "core/text.hpp"
#include "core/text_word.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <utility>

namespace regolo::core {
namespace {

constexpr std::string_view line_break = "\r\n";

/// Those of a token (RFC 9110, 5.6.2), by their value.
constexpr auto token_chars = [] {
    std::array<bool, 256> is{};
    for (int c = 0; c != 128; ++c)
        is[static_cast<std::size_t>(c)] =
            is_alpha(static_cast<char>(c)) || is_digit(static_cast<char>(c));
    for (const char mark : std::string_view("!#$%&'*+-.^_`|~"))
        is[static_cast<unsigned char>(mark)] = true;
    return is;
}();

bool is_token(std::string_view text) noexcept
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return token_chars[static_cast<unsigned char>(c)];
    });
}

bool is_field_value(std::string_view text) noexcept
{
    const auto next_control = [text](std::size_t at) {
        return find_first(
            text, at,
            [](const text_word& next) { return next.less_than(0x20) | next.equal_to('\x7f'); },
            is_control);
    };
    std::size_t at = next_control(0);
    while (at != text.size() && text[at] == '\t')
        at = next_control(at + 1);
    return at == text.size();
}

/// Fields that frame the message or steer the connection: only this library may set them.
bool is_reserved(std::string_view name) noexcept
{
    constexpr std::array<std::string_view, 10> names{
        "Host",       "Content-Length", "Transfer-Encoding", "Connection",
        "Keep-Alive", "Upgrade",        "Proxy-Connection",  "TE",
        "Trailer",    "Expect"};
    return std::any_of(names.begin(), names.end(),
                       [name](std::string_view other) { return iequals(name, other); });
}

result<void> check(const http_request& request)
{
    if (!is_token(request.method))
    {
        return failure(errc::invalid_request, "the HTTP method is not a token such as GET or POST");
    }
    if (request.target.empty() ||
        !std::all_of(request.target.begin(), request.target.end(), is_visible))
    {
        return failure(errc::invalid_request,
                       "the request target is empty or has a space, a control character or a byte "
                       "outside ASCII: percent-encode it");
    }
    for (const field_view& field : request.headers)
    {
        // a name that is no token is not shown: name and value may have been swapped
        if (!is_token(field.name))
        {
            return failure(errc::invalid_request,
                           "the name of a header is empty or has a character that HTTP does not "
                           "allow there");
        }
        if (is_reserved(field.name))
        {
            return failure(errc::invalid_request, "the header " + std::string(field.name) +
                                                      " is set by the library: leave it out");
        }
        if (!is_field_value(field.value))
        {
            return failure(errc::invalid_request,
                           "the value of the header " + std::string(field.name) +
                               " has a control character, such as a line break");
        }
    }
    return {};
}

/// A server may wait for a body that these methods do not rule out.
bool may_have_body(std::string_view method) noexcept
{
    return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

std::optional<std::string_view> find_header(const std::vector<field_view>& fields,
                                            std::string_view name) noexcept
{
    const auto found = std::find_if(fields.begin(), fields.end(), [name](const field_view& field) {
        return iequals(field.name, name);
    });
    return found == fields.end() ? std::nullopt : std::optional(found->value);
}

result<std::string_view> clean_key(std::string_view key)
{
    key = trim(key);
    if (const std::string_view first = key.substr(0, key.find_first_of(" \t"));
        iequals(first, "Bearer"))
    {
        key = trim(key.substr(first.size()));
    }
    if (!std::all_of(key.begin(), key.end(), is_visible))
    {
        return failure(errc::bad_config,
                       "the key has a space, a control character or a byte outside ASCII inside: "
                       "copy it again (it is not shown here)");
    }
    if (key.find("://") != std::string_view::npos)
    {
        return failure(errc::bad_config,
                       "a URL was given where the key belongs: set client_config::base_url to it "
                       "(it is not shown here, as it may hold a password)");
    }
    return key;
}

result<secret> encode_head(const http_request& request, const origin& where, std::string_view key,
                           const proxy_server* via, std::size_t room)
{
    if (auto checked = check(request); !checked)
    {
        return checked.error();
    }
    const result<std::string_view> bearer = clean_key(key);
    if (!bearer)
    {
        return bearer.error();
    }
    const std::string host = host_field(where);
    const std::string before_target = via ? to_string(where) : "";
    std::array<char, 20> digits{};

    // Collected first, so that the key is copied once, to its place.
    std::vector<std::string_view> pieces;
    constexpr std::size_t most_others = 20;
    pieces.reserve(most_others + 4 * request.headers.size());
    const auto put = [&pieces](std::initializer_list<std::string_view> line) {
        pieces.insert(pieces.end(), line);
    };
    put({request.method, " ", before_target, request.target, " HTTP/1.1\r\nHost: ", host});
    if (!bearer->empty() && !find_header(request.headers, "Authorization"))
        put({"\r\nAuthorization: Bearer ", *bearer});
    for (const field_view& field : request.headers)
        put({line_break, field.name, ": ", field.value});
    if (via && !via->authorization.empty() && !find_header(request.headers, "Proxy-Authorization"))
        put({"\r\nProxy-Authorization: ", via->authorization.view()});
    if (request.body && !request.body->bytes)
        put({"\r\nTransfer-Encoding: chunked"});
    else if (request.body || may_have_body(request.method))
    {
        const auto* const end =
            std::to_chars(digits.data(), digits.data() + digits.size(),
                          request.body ? *request.body->bytes : std::uint64_t{0})
                .ptr;
        put({"\r\nContent-Length: ", {digits.data(), end}});
    }
    put({line_break, line_break});
    return secret::join(pieces, room);
}

std::string_view encode_chunk(std::string_view piece, std::string& out)
{
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), piece.size(), 16);
    out.assign(digits.data(), end.ptr);
    out += "\r\n";
    out += piece;
    out += "\r\n";
    return out;
}

void set_header(std::vector<field_view>& fields, field_view wanted)
{
    const auto same = [&wanted](const field_view& field) {
        return iequals(field.name, wanted.name);
    };
    const auto first = std::find_if(fields.begin(), fields.end(), same);
    if (first == fields.end())
    {
        fields.push_back(wanted);
        return;
    }
    fields.erase(std::remove_if(first + 1, fields.end(), same), fields.end());
    *first = wanted;
}

void remove_header(std::vector<field_view>& fields, std::string_view name)
{
    std::erase_if(fields, [name](const field_view& field) { return iequals(field.name, name); });
}

bool is_secret_field(std::string_view name) noexcept
{
    constexpr std::array<std::string_view, 6> names{
        "Authorization", "Proxy-Authorization", "api-key", "x-api-key", "x-goog-api-key", "Cookie"};
    return std::any_of(names.begin(), names.end(),
                       [name](std::string_view other) { return iequals(name, other); });
}

std::string_view secret_part(std::string_view value) noexcept
{
    value = trim(value);
    const std::string_view scheme = value.substr(0, value.find(' '));
    if (scheme.size() < value.size() && std::all_of(scheme.begin(), scheme.end(), is_alpha))
        value = trim(value.substr(scheme.size()));
    return value;
}

std::string media_type(std::string_view content_type)
{
    return to_lower(trim(content_type.substr(0, content_type.find(';'))));
}

bool is_json_type(std::string_view media_type) noexcept
{
    return media_type == "application/json" || media_type.ends_with("+json");
}

std::optional<int> keep_alive_timeout(const response_head& head) noexcept
{
    std::string_view rest = find_header(head.headers, "Keep-Alive").value_or("");
    while (!rest.empty())
    {
        const std::string_view item = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(item.size() + 1, rest.size()));
        const std::size_t equals = item.find('=');
        if (equals == std::string_view::npos || !iequals(trim(item.substr(0, equals)), "timeout"))
        {
            continue;
        }
        const std::string_view value = trim(item.substr(equals + 1));
        int seconds = 0;
        const auto read = std::from_chars(value.data(), value.data() + value.size(), seconds);
        if (read.ec == std::errc{} && read.ptr == value.data() + value.size() && seconds >= 0)
        {
            return seconds;
        }
    }
    return std::nullopt;
}

}  // namespace regolo::core
