// The parser against the text of the standard, and cut anywhere against whole.

#include "fuzz.hpp"
#include "literal_sse.hpp"

#include <regolo/sse_parser.hpp>

namespace regolo::fuzz {
namespace {

constexpr std::size_t no_limit = std::size_t{1} << 30;

void write(std::string& out, std::string_view name, std::string_view text)
{
    out.append(name).append("=").append(text).append("\n");
}

void write(std::string& out, std::string_view event, std::string_view data, std::string_view id)
{
    write(out, "event", event);
    write(out, "data", data);
    write(out, "id", id);
}

/// Unknown lines come before the events that they stand in; only the order among themselves is compared.
struct outcome
{
    std::string events;
    std::string unknown;

    void take(const sse_event& event)
    {
        if (event.unknown_line.data() != nullptr)
            write(unknown, "line", event.unknown_line);
        else
            write(events, event.event, event.data, event.id);
    }
};

std::string state_of(const sse_parser& parser)
{
    std::string out;
    write(out, "last id", parser.last_event_id());
    const auto time = parser.reconnection_time();
    write(out, "retry", time ? std::to_string(time->count()) : "none");
    write(out, "comments", std::to_string(parser.comments()));
    return out;
}

std::string state_of(const literal_stream& stream)
{
    std::string out;
    write(out, "last id", stream.last_id);
    write(out, "retry", stream.retry ? std::to_string(*stream.retry) : "none");
    write(out, "comments", std::to_string(stream.comments));
    return out;
}

void feed(sse_parser& parser, std::string_view bytes, std::uint16_t seed, outcome& out)
{
    cutter pieces(bytes, seed);
    std::vector<char> piece;
    while (pieces.next(piece))
    {
        parser.push(view(piece));
        while (const auto event = parser.pull())
            out.take(*event);
    }
}

void compare_without_limit(std::string_view bytes, bool report, std::uint16_t seed)
{
    sse_parser parser(no_limit);
    parser.report_unknown_lines(report);
    outcome ours;
    feed(parser, bytes, seed, ours);
    const auto literal = read_literally(bytes, no_limit, report);
    outcome theirs;
    for (const auto& event : literal.events)
        write(theirs.events, event.name, event.data, event.id);
    for (const auto& line : literal.unknown)
        if (report)
            write(theirs.unknown, "line", line);

    check(!parser.failed(), "the parser fails without a limit");
    check_equal(ours.events, theirs.events, "the events are not those of the standard");
    check_equal(ours.unknown, theirs.unknown, "the unknown lines differ");
    if (bytes.empty() || bytes.back() == '\n' || bytes.back() == '\r')
        check_equal(state_of(parser), state_of(literal), "the state is not that of the standard");

    outcome rest;
    while (const auto event = parser.finish())
        rest.take(*event);
    outcome literal_rest;
    if (literal.unfinished)
        write(literal_rest.events, literal.unfinished->name, literal.unfinished->data,
              literal.unfinished->id);
    if (report && !literal.unknown_end.empty())
        write(literal_rest.unknown, "line", literal.unknown_end);
    check_equal(rest.events, literal_rest.events, "finish() offers another event");
    check_equal(rest.unknown, literal_rest.unknown, "finish() offers another line");
}

/// Of complete lines, since a line that breaks off fails as soon as it is known to be too long.
void compare_with_limit(const std::string& lines, std::size_t limit, bool report,
                        std::uint16_t seed)
{
    sse_parser parser(limit);
    parser.report_unknown_lines(report);
    outcome ours;
    feed(parser, lines, seed, ours);
    const auto literal = read_literally(lines, limit, report);
    outcome theirs;
    for (const auto& event : literal.events)
        write(theirs.events, event.name, event.data, event.id);
    check(parser.failed() == literal.too_large, literal.too_large
                                                    ? "an event above the limit is let through"
                                                    : "an event within the limit is refused");
    check_equal(ours.events, theirs.events, "the events up to the limit differ");
    if (parser.failed())
    {
        parser.push("data: x\n\n");
        check(!parser.pull() && !parser.finish(), "the parser goes on after it has failed");
    }
    parser.reset();
    outcome again;
    feed(parser, lines, bytewise, again);
    check_equal(again.events, ours.events, "reset() leaves something behind");
}

void run(std::string_view bytes)
{
    input in(bytes);
    const auto options = in.byte();
    const auto seed = in.word();
    const bool report = (options & 1U) != 0;
    const std::size_t limit = options >> 1U;
    for (const auto way : {whole, bytewise, seed})
    {
        compare_without_limit(in.rest(), report, way);
        compare_with_limit(std::string(in.rest()) + '\n', limit, report, way);
    }
}

const target registered("sse", run);

}  // namespace
}  // namespace regolo::fuzz
