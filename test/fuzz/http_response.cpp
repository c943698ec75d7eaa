// The reader of responses: cut anywhere against whole, and each body against a literal reading of the framing.

#include "fuzz.hpp"
#include "net/http_reader.hpp"

#include <regolo/error.hpp>

#include <algorithm>
#include <cstring>
#include <optional>

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

struct outcome
{
    std::string text;  // head and state
    std::string body;
    bool done = false;
    bool at_eof = false;  // complete because the peer closed
    std::string error;
    std::size_t head_size = 0;  // bytes that had come when the head was complete
};

outcome read(std::string_view bytes, std::size_t head_limit, bool eof, std::uint16_t seed)
{
    net::http_reader reader(head_limit);
    outcome out;
    boost::system::error_code ec;
    cutter pieces(bytes, seed);
    std::vector<char> piece;
    while (!ec && !reader.done() && pieces.next(piece))
    {
        for (std::string_view rest = view(piece); !rest.empty() && !ec && !reader.done();)
        {
            const auto room = reader.prepare();
            check(room.size >= net::http_reader::read_size, "there is no room to read");
            const auto size = std::min(room.size, rest.size());
            std::memcpy(room.data, rest.data(), size);
            rest.remove_prefix(size);
            reader.commit(size, ec);
            for (const auto part : reader.pieces())
                out.body += part;
        }
        if (out.head_size == 0 && reader.head_done())
            out.head_size = reader.bytes();
    }
    if (!ec && !reader.done() && eof)
    {
        reader.commit_eof(ec);
        out.at_eof = reader.done();
    }
    out.done = reader.done() && !ec;
    out.error = ec ? ec.message() : "";
    if (reader.head_done())
    {
        out.text = std::to_string(reader.head().status) + ' ' +
                   std::to_string(reader.head().version) + '\n';
        for (const auto& field : reader.head().headers)
            out.text += field.name + ": " + field.value + '\n';
    }
    out.text += out.done ? "done" : "open";
    return out;
}

/// What stands after the last head in `bytes`, if there is one.
struct literal_head
{
    int status = 0;
    std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
    std::string_view body;

    [[nodiscard]] std::optional<std::string> field(std::string_view name) const
    {
        for (const auto& [each, value] : fields)
            if (each == name)
                return value;
        return std::nullopt;
    }
};

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

/// A response that counts as complete is so by its own framing, and its body is the one it frames.
void check_complete(std::string_view bytes, const outcome& ours)
{
    const auto head = read_head(bytes);
    check(head.has_value(), "a response without a head is complete");
    check(ours.text.starts_with(std::to_string(head->status) + ' '), "the status is another one");
    if (head->status == 204 || head->status == 304)
    {
        check(ours.body.empty(), "a body where there is none");
        return;
    }
    const auto coding = head->field("transfer-encoding");
    if (coding && lower(*coding).ends_with("chunked"))
    {
        const auto body = dechunk(head->body);
        check(body.has_value(), "chunks without the last one are complete");
        check_equal(ours.body, *body, "the body is not what the chunks have");
    }
    else if (const auto length = head->field("content-length"); length && !coding)
    {
        const auto size = std::strtoull(length->c_str(), nullptr, 10);
        check(head->body.size() >= size, "a body that breaks off is complete");
        check_equal(ours.body, head->body.substr(0, size), "the body is not as long as it says");
    }
    else
    {
        check(ours.at_eof, "a body without a length ends before the connection");
        check_equal(ours.body, head->body, "the body is not all there was");
    }
}

void run(std::string_view bytes)
{
    input in(bytes);
    const auto options = in.byte();
    const auto seed = in.word();
    const bool eof = (options & 1U) != 0;
    const auto head_limit = std::size_t{1} << (4 + (options >> 1U) % 13);
    const auto all = read(in.rest(), head_limit, eof, whole);
    if (all.done)
    {
        check_complete(in.rest(), all);
        // what the head of the last response takes is a part of it
        const auto head = read_head(in.rest());
        if (head)
        {
            auto size = head->fields.size() * 4;
            for (const auto& [name, value] : head->fields)
                size += name.size() + value.size();
            check(size <= head_limit, "a head above the limit is let through");
        }
    }
    for (const auto way : {bytewise, seed})
    {
        const auto other = read(in.rest(), head_limit, eof, way);
        check(other.done == all.done, "cut otherwise, the response is complete or is not");
        if (!all.done && !other.error.empty() && !all.error.empty())
            continue;  // which of two mistakes is seen first depends on the cuts
        check_equal(other.error, all.error, "cut otherwise, there is another error");
        check_equal(other.text, all.text, "cut otherwise, the head is another one");
        check_equal(other.body, all.body, "cut otherwise, the body is another one");
    }
}

const target registered("http_response", run);

}  // namespace
}  // namespace regolo::fuzz
