#include "case_file.hpp"

#include <regolo/sse_parser.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::test {
namespace {

struct seen_event
{
    std::string event;
    std::string data;
    std::string id;

    friend bool operator==(const seen_event&, const seen_event&) = default;
    friend std::ostream& operator<<(std::ostream& out, const seen_event& seen)
    {
        return out << '{' << seen.event << '|' << seen.data << '|' << seen.id << '}';
    }
};

struct outcome
{
    std::vector<seen_event> events;
    std::vector<std::string> unknown;
    std::string last_event_id;
    std::optional<std::int64_t> reconnection_time;
    std::uint64_t comments = 0;
    bool failed = false;

    friend bool operator==(const outcome&, const outcome&) = default;
};

void take_all(sse_parser& parser, outcome& out)
{
    while (const auto event = parser.pull())
    {
        if (event->unknown_line.data() != nullptr)
        {
            out.unknown.emplace_back(event->unknown_line);
            continue;
        }
        out.events.push_back(
            {std::string(event->event), std::string(event->data), std::string(event->id)});
    }
}

/// Each piece is a copy that dies after it was pulled, so that a view kept too long shows under ASan.
void feed(sse_parser& parser, std::string_view piece, outcome& out)
{
    const std::vector<char> bytes(piece.begin(), piece.end());
    parser.push({bytes.data(), bytes.size()});
    take_all(parser, out);
}

outcome conclude(const sse_parser& parser, outcome out)
{
    out.last_event_id = parser.last_event_id();
    if (const auto time = parser.reconnection_time())
    {
        out.reconnection_time = time->count();
    }
    out.comments = parser.comments();
    out.failed = parser.failed();
    return out;
}

outcome parse(const std::vector<std::string_view>& pieces, std::size_t limit = 64 * 1024 * 1024,
              bool report_unknown = false)
{
    sse_parser parser(limit);
    parser.report_unknown_lines(report_unknown);
    outcome out;
    for (const std::string_view piece : pieces)
    {
        feed(parser, piece, out);
    }
    return conclude(parser, std::move(out));
}

std::vector<std::string_view> pieces_of(std::string_view bytes, std::size_t size)
{
    std::vector<std::string_view> pieces;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size())))
    {
        pieces.push_back(bytes.substr(0, size));
    }
    return pieces;
}

/// Whole, in equal pieces, cut everywhere once and, while that is quick, at every pair of positions.
template <class Check>
void for_each_split(std::string_view bytes, Check check)
{
    check({bytes});
    for (const std::size_t size : {1U, 2U, 3U, 5U, 8U, 64U})
    {
        check(pieces_of(bytes, size));
    }
    if (bytes.size() > 3000)
    {
        return;
    }
    for (std::size_t first = 0; first <= bytes.size(); ++first)
    {
        check({bytes.substr(0, first), bytes.substr(first)});
        if (bytes.size() > 30)
        {
            continue;
        }
        for (std::size_t second = first; second <= bytes.size(); ++second)
        {
            check({bytes.substr(0, first), bytes.substr(first, second - first),
                   bytes.substr(second)});
        }
    }
}

std::string decode_base64(std::string_view text)
{
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    unsigned bits = 0;
    int count = 0;
    for (const char c : text.substr(0, text.find('=')))
    {
        bits = bits << 6 | static_cast<unsigned>(alphabet.find(c));
        count += 6;
        if (count >= 8)
        {
            count -= 8;
            out += static_cast<char>(bits >> count & 0xFFU);
        }
    }
    return out;
}

outcome expected_of(const boost::json::object& row)
{
    outcome expected;
    const char* const events = row.at("agrees_with_spec").as_bool() ? "events" : "events_spec";
    for (const auto& event : row.at(events).as_array())
    {
        const auto& object = event.as_object();
        expected.events.push_back(
            {text_of(object, "event"), text_of(object, "data"), text_of(object, "id")});
    }
    const auto& last = row.at("final").as_object();
    expected.last_event_id = text_of(last, "last_event_id");
    if (const auto& time = last.at("reconnection_ms"); time.is_int64())
    {
        expected.reconnection_time = time.get_int64();
    }
    expected.comments = row.at("comments").as_array().size();
    return expected;
}

TEST(SseParser, PassesConformanceCasesInEverySplit)
{
    const auto rows = load_cases("sse_cases.jsonl");
    ASSERT_EQ(rows.size(), 123U);
    for (const auto& row : rows)
    {
        const std::string input = text_of(row, "encoding") == "base64"
                                      ? decode_base64(text_of(row, "input_b64"))
                                      : text_of(row, "input");
        const outcome expected = expected_of(row);
        ASSERT_EQ(parse({input}).events, expected.events) << row.at("name");
        for_each_split(input, [&](const std::vector<std::string_view>& pieces) {
            ASSERT_EQ(parse(pieces), expected) << row.at("name");
        });
        if (const auto* splits = row.if_contains("splits"))
        {
            std::vector<std::string_view> pieces;
            std::size_t last = 0;
            for (const auto& split : splits->as_array())
            {
                const auto at = std::min(split.to_number<std::size_t>(), input.size());
                pieces.push_back(std::string_view(input).substr(last, at - last));
                last = at;
            }
            pieces.push_back(std::string_view(input).substr(last));
            ASSERT_EQ(parse(pieces), expected) << row.at("name");
        }
    }
}

TEST(SseParser, AgreesWithItselfForEveryKindOfLine)
{
    const std::string_view lines[] = {"data: a",     "data: a|data:b", ": c|data: x",
                                      "foo: 1|data", "event: e|id: 7", "retry: 12|data:  y"};
    for (const std::string_view end : {"\n", "\r", "\r\n"})
    {
        for (const std::string_view mark : {"", "\xEF\xBB\xBF"})
        {
            std::string input(mark);
            for (const std::string_view line : lines)
            {
                for (const char c : line)
                {
                    c == '|' ? void(input += end) : input.push_back(c);
                }
                input.append(end).append(end);
            }
            const std::vector<seen_event> events{
                {"", "a", ""}, {"", "a\nb", ""}, {"", "x", ""}, {"", "", ""}, {"", " y", "7"}};
            ASSERT_EQ(parse({input}).events, events);
            for_each_split(input, [&](const std::vector<std::string_view>& pieces) {
                ASSERT_EQ(parse(pieces), parse({input}));
            });
        }
    }
}

TEST(SseParser, HandsOutDataWhereItLies)
{
    const std::string_view bytes = "data: hello\n\ndata: world\n\n";
    sse_parser parser;
    parser.push(bytes);
    const auto first = parser.pull();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->data.data(), bytes.data() + 6);
    const auto second = parser.pull();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->data.data(), bytes.data() + 19);
}

TEST(SseParser, DispatchesAtTheSecondCarriageReturn)
{
    sse_parser parser;
    parser.push("data: x\r\r");
    EXPECT_TRUE(parser.pull());
}

struct limit_case
{
    std::string_view input;
    bool fails;
};

TEST(SseParser, AllowsTheLimitAndNotOneByteMore)
{
    const limit_case rows[] = {
        {"data: 12345678\n\n", false},       {"data: 123456789\n\n", true},
        {"data:1234\ndata:567\n\n", false},  {"data:1234\ndata:5678\n\n", true},
        {"data:1234567\ndata\n\n", false},   {"data:12345678\ndata\n\n", true},
        {"event: 12345678\n\n", false},      {"event: 123456789\n\n", true},
        {"id:12345678\n\n", false},          {"id:123456789\n\n", true},
        {"retry:12345678\n\n", false},       {"retry:123456789\n\n", true},
        {":1234567890123456789\n\n", false}, {"foo:1234567890123456789\n\n", false},
    };
    for (const limit_case& row : rows)
    {
        for_each_split(row.input, [&](const std::vector<std::string_view>& pieces) {
            ASSERT_EQ(parse(pieces, 8).failed, row.fails) << row.input;
        });
    }
}

// However it is cut: the standard ignores such an id, but all of the line is held until that shows.
TEST(SseParser, LimitsAnIdThatIsIgnored)
{
    using namespace std::string_view_literals;
    for_each_split("id:1234567\0\n\n"sv, [](const std::vector<std::string_view>& pieces) {
        ASSERT_FALSE(parse(pieces, 8).failed);
    });
    for_each_split("id:12345678\0\n\n"sv, [](const std::vector<std::string_view>& pieces) {
        ASSERT_TRUE(parse(pieces, 8).failed);
    });
}

TEST(SseParser, YieldsNothingAfterTheLimit)
{
    const auto out = parse({"data: 1\n\ndata: 123456789\n\ndata: 2\n\n", "data: 3\n\n"}, 8);
    EXPECT_TRUE(out.failed);
    EXPECT_EQ(out.events, (std::vector<seen_event>{{"", "1", ""}}));
}

TEST(SseParser, StartsAnewAfterReset)
{
    sse_parser parser(8);
    outcome out;
    feed(parser, "id: 1\nretry: 5\ndata: 1\n\n:\ndata: 123456789", out);
    ASSERT_TRUE(parser.failed());
    parser.reset();
    EXPECT_EQ(conclude(parser, {}), outcome());
    feed(parser,
         "\xEF\xBB\xBF"
         "data: 2\n\n",
         out);
    EXPECT_EQ(out.events, (std::vector<seen_event>{{"", "1", "1"}, {"", "2", ""}}));
}

TEST(SseParser, StartsAnewFromEveryPlace)
{
    const std::string_view before =
        "\xEF\xBB\xBFid: 1\nevent: e\nretry: 5\n:\ndata: 1\n\nid: 2\r\nfoo\r\nevent: f\r\ndata: "
        "3\r";
    // The first line of which is dropped where the break before it counts as half of one.
    const std::string_view after =
        "\n\xEF\xBB\xBF"
        "data: a\n\ndata: b\n\n";
    for (const std::string_view next : {after, after.substr(1), after.substr(4)})
    {
        const auto expected = parse({next}, 64, true);
        for (std::size_t size = 0; size <= before.size(); ++size)
        {
            for (const bool whole : {true, false})
            {
                sse_parser parser(64);
                parser.report_unknown_lines(true);
                {
                    const std::vector<char> bytes(before.begin(), before.begin() + size);
                    parser.push({bytes.data(), bytes.size()});
                    while (parser.pull() && whole)
                    {}
                }
                parser.reset();
                outcome out;
                feed(parser, next, out);
                ASSERT_EQ(conclude(parser, std::move(out)), expected) << size;
            }
        }
    }
}

struct finish_case
{
    std::string_view input;
    std::optional<seen_event> offered;
};

TEST(SseParser, OffersTheLastEventAtTheEnd)
{
    const finish_case rows[] = {
        {"", std::nullopt},
        {"data: a\n\n", std::nullopt},
        {"data: a", seen_event{"", "a", ""}},
        {"data: a\n", seen_event{"", "a", ""}},
        {"data: a\r", seen_event{"", "a", ""}},
        {"data", seen_event{"", "", ""}},
        {"dat", std::nullopt},
        {"event: x\nid: 5", std::nullopt},
        {"event: x\nid: 5\ndata: a\ndata: b", seen_event{"x", "a\nb", "5"}},
        {"data: a\n: comment", seen_event{"", "a", ""}},
        {"\xEF\xBB", std::nullopt},
        {"id: \xFF\nevent: \xFF\ndata: \xFF",
         seen_event{"\xEF\xBF\xBD", "\xEF\xBF\xBD", "\xEF\xBF\xBD"}},
    };
    for (const finish_case& row : rows)
    {
        for_each_split(row.input, [&](const std::vector<std::string_view>& pieces) {
            sse_parser parser;
            outcome out;
            for (const std::string_view piece : pieces)
            {
                feed(parser, piece, out);
            }
            const auto event = parser.finish();
            ASSERT_EQ(event.has_value(), row.offered.has_value()) << row.input;
            if (event)
            {
                const seen_event seen{std::string(event->event), std::string(event->data),
                                      std::string(event->id)};
                ASSERT_EQ(seen, *row.offered) << row.input;
            }
            ASSERT_FALSE(parser.finish());
            ASSERT_EQ(parser.last_event_id(), "");
        });
    }
}

TEST(SseParser, ReportsUnknownLinesWhenAsked)
{
    const std::string_view input =
        "{\"a\":1}\ndata: x\nerror: boom\ndata: y\n\nhello\n: c\nevent\ndatax\n\n";
    const std::vector<std::string> unknown{"{\"a\":1}", "error: boom", "hello", "datax"};
    for_each_split(input, [&](const std::vector<std::string_view>& pieces) {
        const outcome out = parse(pieces, 64, true);
        ASSERT_EQ(out.unknown, unknown);
        ASSERT_EQ(out.events, (std::vector<seen_event>{{"", "x\ny", ""}}));
    });
    EXPECT_TRUE(parse({input}).unknown.empty());
}

TEST(SseParser, LimitsUnknownLinesThatItReports)
{
    EXPECT_FALSE(parse({"12345678\n"}, 8, true).failed);
    for_each_split("123456789\n", [](const std::vector<std::string_view>& pieces) {
        ASSERT_TRUE(parse(pieces, 8, true).failed);
    });
    EXPECT_TRUE(parse({std::string(100, 'x')}, 8, true).failed);
}

TEST(SseParser, OffersAnUnknownLastLine)
{
    sse_parser parser;
    parser.report_unknown_lines(true);
    outcome out;
    feed(parser, "data: x\n{\"error\":1}", out);
    const auto line = parser.finish();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->unknown_line, "{\"error\":1}");
    const auto event = parser.finish();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->data, "x");
    EXPECT_FALSE(parser.finish());
}

// A parser that went over the bytes of an unfinished event again, or copied them, with each piece
// would need minutes for this.
TEST(SseParser, TakesOneLargeEventInSmallPieces)
{
    const std::string input = "data: " + std::string(1024 * 1024, 'x') + "\n\n";
    sse_parser parser;
    std::size_t events = 0;
    for (std::size_t at = 0; at < input.size(); at += 8)
    {
        parser.push(std::string_view(input).substr(at, 8));
        while (const auto event = parser.pull())
        {
            ++events;
            EXPECT_EQ(event->data.size(), input.size() - 8);
        }
    }
    EXPECT_EQ(events, 1U);
}

TEST(SseParser, PassesLargeCases)
{
    for (const auto& row : load_cases("sse_large_cases.jsonl"))
    {
        const auto count = row.at("count").to_number<std::size_t>();
        const std::string unit = text_of(row, "unit");
        std::string input = text_of(row, "prefix");
        for (std::size_t i = 0; i < count; ++i)
            input += unit;
        input += text_of(row, "suffix");
        for (const auto& size : row.at("feed_bytes").as_array())
        {
            sse_parser parser;
            std::size_t events = 0;
            for (const auto piece : pieces_of(input, size.to_number<std::size_t>()))
            {
                parser.push(piece);
                while (const auto event = parser.pull())
                {
                    ++events;
                    ASSERT_EQ(event->data.size(),
                              row.at("expect_data_bytes").to_number<std::size_t>());
                }
            }
            EXPECT_EQ(events, row.at("expect_events").to_number<std::size_t>()) << row.at("name");
        }
    }
}

// Not only at the end of the line, which may never come.
TEST(SseParser, FailsWithTheSmallPieceThatPassesTheLimit)
{
    constexpr std::size_t limit = 100;
    for (const std::size_t piece : {1U, 8U, 13U, 32U})
    {
        SCOPED_TRACE(piece);
        sse_parser parser(limit);
        parser.push("data: x");
        ASSERT_FALSE(parser.pull());
        std::size_t size = 1;
        while (!parser.failed() && size <= 2 * limit)
        {
            const std::string text(piece, 'x');
            parser.push(text);
            ASSERT_FALSE(parser.pull());
            size += piece;
        }
        EXPECT_TRUE(parser.failed());
        EXPECT_GT(size, limit);
        EXPECT_LE(size, limit + piece);
    }
}

}  // namespace
}  // namespace regolo::test
