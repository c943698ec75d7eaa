#include "core/http_message.hpp"
#include "core/text.hpp"

#include <regolo/client.hpp>

#include <algorithm>
#include <string_view>

namespace regolo::inline v0 {
namespace {

/// One word of a POSIX shell, whatever is in it.
std::string shell_word(std::string_view text)
{
    std::string out = "'";
    for (const char c : text)
    {
        if (c == '\'')
        {
            out += "'\\''";
        }
        else
        {
            out += c;
        }
    }
    return out += '\'';
}

/// The word before the masked key, such as "Bearer".
std::string_view scheme_of(std::string_view authorization) noexcept
{
    const std::string_view scheme = authorization.substr(0, authorization.find(' '));
    const bool is_word = scheme.size() < authorization.size() && !scheme.empty() &&
                         std::all_of(scheme.begin(), scheme.end(), core::is_alpha);
    return is_word ? scheme : "Bearer";
}

std::string header_argument(const header& field)
{
    if (core::iequals(field.name, "Authorization"))
    {
        // in double quotes, so that the shell puts the key in
        return " \\\n  -H \"Authorization: " + std::string(scheme_of(field.value)) +
               " $REGOLO_API_KEY\"";
    }
    // curl takes "Name:" for "do not send it" and "Name;" for an empty value
    const std::string text =
        core::trim(field.value).empty() ? field.name + ';' : field.name + ": " + field.value;
    return " \\\n  -H " + shell_word(text);
}

}  // namespace

std::string request_preview::to_curl() const
{
    std::string out = "curl -sS";
    if (core::media_type(find_header(headers, "Accept").value_or("")) == "text/event-stream")
    {
        out += " -N";  // show events when they come
    }
    if (url.find_first_of("[]{}") != std::string::npos)
    {
        out += " -g";  // these are patterns to curl
    }
    if (method == "HEAD")
    {
        out += " -I";
    }
    else if (method != (body.empty() ? "GET" : "POST"))
    {
        out += " -X " + shell_word(method);
    }
    out += ' ' + shell_word(url);
    for (const header& field : headers)
    {
        // curl makes these itself
        if (!core::iequals(field.name, "Host") && !core::iequals(field.name, "Content-Length"))
        {
            out += header_argument(field);
        }
    }
    if (!body.empty())
    {
        out +=
            " \\\n  --data-raw " + shell_word(body);  // unlike --data, sends a leading @ as it is
    }
    return out;
}

}  // namespace regolo::inline v0
