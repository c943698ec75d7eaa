#include "literal_http.hpp"

#include <algorithm>
#include <cstdlib>

namespace regolo::fuzz {

namespace {

std::string lower(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return out;
}

/// The chunks, up to the last one; nothing if that is missing.
std::optional<std::string> dechunk(std::string_view coded)
{
    std::string body;
    for (;;)
    {
        const auto end = coded.find("\r\n");
        if (end == coded.npos)
            return std::nullopt;
        const auto size = std::strtoull(std::string(coded.substr(0, end)).c_str(), nullptr, 16);
        coded.remove_prefix(end + 2);
        if (size == 0)
            return coded.starts_with("\r\n") || coded.find("\r\n\r\n") != coded.npos
                       ? std::optional(body)
                       : std::nullopt;
        if (coded.size() < size + 2 || coded.substr(size, 2) != "\r\n")
            return std::nullopt;
        body += coded.substr(0, size);
        coded.remove_prefix(size + 2);
    }
}

}  // namespace

std::optional<literal_head> read_head(std::string_view bytes)
{
    for (;;)
    {
        literal_head head;
        const auto end = bytes.find("\r\n\r\n");
        if (end == bytes.npos || !bytes.starts_with("HTTP/1.") || bytes.size() < 12)
            return std::nullopt;
        head.status = std::atoi(std::string(bytes.substr(9, 3)).c_str());
        auto lines = bytes.substr(0, end + 2);
        lines.remove_prefix(lines.find("\r\n") + 2);
        while (!lines.empty())
        {
            const auto line = lines.substr(0, lines.find("\r\n"));
            lines.remove_prefix(line.size() + 2);
            const auto colon = line.find(':');
            if (colon == line.npos)
                continue;  // a folded line, which is none of those that matter
            auto value = line.substr(colon + 1);
            const auto first = value.find_first_not_of(" \t");
            value = first == value.npos ? "" : value.substr(first);
            value = value.substr(0, value.find_last_not_of(" \t") + 1);
            head.fields.emplace_back(lower(line.substr(0, colon)), value);
        }
        head.body = bytes.substr(end + 4);
        if (head.status / 100 != 1)
            return head;
        bytes = head.body;
    }
}

std::optional<std::string> read_body(const literal_head& head, bool closed)
{
    if (head.status == 204 || head.status == 304)
        return "";
    if (const auto codings = head.field("transfer-encoding"))
    {
        const auto last = codings->substr(codings->rfind(',') + 1);
        const auto first = std::min(last.find_first_not_of(" \t"), last.size());
        if (lower(last.substr(first)) == "chunked")
            return dechunk(head.body);
    }
    else if (const auto length = head.field("content-length"))
    {
        const auto size = std::strtoull(length->c_str(), nullptr, 10);
        if (head.body.size() < size)
            return std::nullopt;
        return std::string(head.body.substr(0, size));
    }
    if (!closed)
        return std::nullopt;
    return std::string(head.body);
}

}  // namespace regolo::fuzz
