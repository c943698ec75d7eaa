// The reader of responses: cut anywhere against whole, and each body against a literal reading of the framing.

#include "fuzz.hpp"
#include "literal_http.hpp"
#include "net/http_reader.hpp"

#include <regolo/error.hpp>

#include <algorithm>
#include <cstring>

namespace regolo::fuzz {
namespace {

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
            check(room.size >= net::http_reader::least_read, "there is no room to read");
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

/// A response that counts as complete is so by its own framing, and its body is the one it frames.
void check_complete(std::string_view bytes, const outcome& ours)
{
    const auto head = read_head(bytes);
    check(head.has_value(), "a response without a head is complete");
    check(ours.text.starts_with(std::to_string(head->status) + ' '), "the status is another one");
    const auto body = read_body(*head, ours.at_eof);
    check(body.has_value(), "a body that breaks off is complete");
    check_equal(ours.body, *body, "the body is another one than its head frames");
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
        // what the head of the last response counts is a part of it
        constexpr std::size_t around = 36;  // ": ", the line's end, and 32 for the field
        auto size = std::size_t{0};
        const auto head = read_head(in.rest());
        for (const auto& [name, value] : head->fields)
            size += name.size() + value.size() + around;
        check(size <= head_limit, "a head above the limit is let through");
    }
    for (const auto way : {bytewise, seed})
    {
        const auto other = read(in.rest(), head_limit, eof, way);
        check(other.done == all.done, "cut otherwise, the response is complete or is not");
        if (!all.done)
        {
            // How early Beast sees that bytes are no HTTP depends on the cuts; at the end it is told in any case.
            check(!eof || (!other.error.empty() && !all.error.empty()), "an end without an error");
            continue;
        }
        check_equal(other.error, all.error, "cut otherwise, there is another error");
        check_equal(other.text, all.text, "cut otherwise, the head is another one");
        check_equal(other.body, all.body, "cut otherwise, the body is another one");
    }
}

const target registered("http_response", run);

}  // namespace
}  // namespace regolo::fuzz
