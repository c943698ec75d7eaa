#include "net/http_reader.hpp"

#include <regolo/error.hpp>

#include <boost/asio/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <ios>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the reader makes of bytes, however they are cut. A server is a stranger: each thing that it may send without end has
// a limit, and what can be read in two ways is refused.

namespace regolo::test {

namespace {

using boost::system::error_code;
using net::http_reader;
using namespace std::string_literals;

constexpr std::size_t head_limit = 1000;

/// What came out of bytes.
struct outcome
{
    error_code ec;
    int status = 0;
    bool head_done = false;
    bool done = false;
    bool reusable = false;
    std::string body;
};

void put(http_reader& reader, std::string_view bytes, error_code& ec)
{
    while (!bytes.empty() && !ec)
    {
        const auto room = reader.prepare();
        const auto n = std::min(bytes.size(), room.size);
        std::memcpy(room.data, bytes.data(), n);
        bytes.remove_prefix(n);
        reader.commit(n, ec);
    }
}

/// Feeds the bytes in pieces, and then the end of the connection.
outcome feed(std::string_view bytes, std::size_t piece, bool closes = false)
{
    http_reader reader(head_limit);
    reader.start();
    outcome got;
    while (!bytes.empty() && !got.ec && !reader.done())
    {
        const auto room = reader.prepare();
        const auto n = std::min({piece, bytes.size(), room.size});
        std::memcpy(room.data, bytes.data(), n);
        bytes.remove_prefix(n);
        reader.commit(n, got.ec);
        for (const auto part : reader.pieces())
            got.body += part;
    }
    if (closes && !got.ec)
        reader.commit_eof(got.ec);
    got.head_done = reader.head_done();
    got.done = reader.done();
    got.reusable = reader.reusable() && bytes.empty();
    if (got.head_done)
        got.status = reader.head().status;
    return got;
}

/// In one piece, byte by byte, and in pieces that end anywhere.
constexpr std::size_t all_pieces[] = {1, 7, 333, 16 * 1024};

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string empty_answer = ok + "content-length: 0\r\n\r\n";
const std::string chunked_head = ok + "transfer-encoding: chunked\r\n\r\n";

/// What a field counts beside its bytes.
constexpr std::size_t field_overhead = 32;

/// A head that counts exactly that much.
std::string head_of(std::size_t size)
{
    const std::string rest = ok + "content-length: 0\r\nx: \r\n\r\n";
    size -= 2 * field_overhead;
    return ok + "content-length: 0\r\nx: " + std::string(size - rest.size(), '.') + "\r\n\r\n";
}

TEST(HttpReader, BoundsTheHead)
{
    for (const auto piece : all_pieces)
    {
        const auto good = feed(head_of(head_limit), piece);
        EXPECT_FALSE(good.ec) << good.ec.message();
        EXPECT_TRUE(good.reusable);
        EXPECT_EQ(feed(head_of(head_limit + 1), piece).ec, errc::too_large) << piece;
        // many fields are no way around it, and neither is a line that does not end
        std::string fields = ok;
        while (fields.size() <= head_limit)
            fields += "a:\r\n";
        EXPECT_EQ(feed(fields, piece).ec, errc::too_large) << piece;
        EXPECT_EQ(feed(ok + std::string(head_limit, 'x'), piece).ec, errc::too_large) << piece;
    }
}

TEST(HttpReader, CountsFieldsAsMoreThanTheirBytes)
{
    const std::string field = "a:\r\n";
    const auto most = (head_limit - 100) / (field.size() + field_overhead);
    const auto head = [&](std::size_t fields, std::size_t size) {
        std::string bytes = "\r\n";
        for (std::size_t i = 0; i < fields; ++i)
            bytes += field;
        bytes += "\r\n";
        const std::string begin = "HTTP/1.1 204 ";
        size -= fields * field_overhead;
        return begin + std::string(size - begin.size() - bytes.size(), 'x') + bytes;
    };
    for (const auto piece : all_pieces)
    {
        const auto good = feed(head(most, head_limit), piece);
        EXPECT_FALSE(good.ec) << good.ec.message();
        EXPECT_TRUE(good.done);
        EXPECT_EQ(feed(head(most, head_limit + 1), piece).ec, errc::too_large) << piece;
    }
    // However many come at once, no more are kept than may be.
    http_reader reader(head_limit);
    reader.start();
    std::string bytes = ok;
    while (bytes.size() < http_reader::least_read - field.size())
        bytes += field;
    std::memcpy(reader.prepare().data, bytes.data(), bytes.size());
    error_code ec;
    reader.commit(bytes.size(), ec);
    EXPECT_EQ(ec, errc::too_large);
    EXPECT_LE(reader.head().headers.size(), head_limit / field_overhead);
}

TEST(HttpReader, BoundsInterimAnswersTogether)
{
    const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";  // 25 bytes
    const auto repeated = [&](std::size_t times, std::string bytes = {}) {
        for (std::size_t i = 0; i < times; ++i)
            bytes += interim;
        return bytes + empty_answer;
    };
    ASSERT_EQ(head_limit % interim.size(), 0U);
    for (const auto piece : all_pieces)
    {
        const auto good = feed(repeated(head_limit / interim.size()), piece);
        EXPECT_FALSE(good.ec) << good.ec.message();
        EXPECT_TRUE(good.done);
        const std::string longer = "HTTP/1.1 100 Continue!\r\n\r\n";
        EXPECT_EQ(feed(repeated(head_limit / interim.size() - 1, longer), piece).ec,
                  errc::too_large);
    }
    // their fields, too
    const std::string hint = "HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n";
    const auto most = head_limit / (hint.size() + field_overhead);
    for (const auto piece : all_pieces)
    {
        std::string hints;
        for (std::size_t i = 0; i < most; ++i)
            hints += hint;
        EXPECT_TRUE(feed(hints + empty_answer, piece).done);
        EXPECT_EQ(feed(hints + hint + empty_answer, piece).ec, errc::too_large);
    }
}

TEST(HttpReader, TellsOfAHeadThatIsTooLargeBeforeItsLineEnds)
{
    http_reader reader(head_limit);
    reader.start();
    error_code ec;
    put(reader, head_of(head_limit).substr(0, head_limit - 2 * field_overhead - 4), ec);
    ASSERT_FALSE(ec) << ec.message();
    // The fields that are complete count with their overhead, and what there is of the next one with its bytes.
    put(reader, std::string(head_limit, 'x').substr(0, 4 + field_overhead + 1), ec);
    EXPECT_EQ(ec, errc::too_large);
}

// A connection's reader is used for one answer after another.
TEST(HttpReader, CountsInterimAnswersForEachAnswerAnew)
{
    const std::string interim = "HTTP/1.1 103 X\r\nlink: y\r\n\r\n";
    const auto whole = interim + interim + empty_answer;
    http_reader reader(head_limit);
    for (std::size_t i = 0; i < head_limit / interim.size(); ++i)
    {
        reader.start();
        error_code ec;
        put(reader, interim, ec);
        ASSERT_FALSE(ec) << ec.message();
        EXPECT_EQ(reader.bytes(), interim.size());  // a server that says this much is alive
        put(reader, interim + empty_answer, ec);
        ASSERT_FALSE(ec) << i << ' ' << ec.message();
        EXPECT_TRUE(reader.reusable());
        EXPECT_EQ(reader.bytes(), whole.size());
    }
}

TEST(HttpReader, TakesNoTrailerForAField)
{
    http_reader reader(head_limit);
    reader.start();
    error_code ec;
    put(reader, chunked_head + "1\r\na\r\n0\r\nkeep-alive: timeout=9\r\n\r\n", ec);
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_TRUE(reader.done());
    EXPECT_EQ(reader.head().headers.size(), 1U);
}

TEST(HttpReader, BoundsWhatStandsBetweenChunks)
{
    // Counted is what has to be kept: the line without the byte that ends it, with the line break of the chunk before.
    const auto extension = [](std::size_t size) {
        return chunked_head + "1\r\na\r\n1;" + std::string(size + 1 - 6, 'e') +
               "\r\nb\r\n0\r\n\r\n";
    };
    const auto trailers = [](std::size_t size) {
        return chunked_head + "1\r\na\r\n0\r\nx: " + std::string(size + 1 - 12, 't') + "\r\n\r\n";
    };
    EXPECT_EQ(feed(extension(head_limit), 1).body, "ab");
    EXPECT_EQ(feed(extension(head_limit + 1), 1).ec, errc::too_large);
    EXPECT_TRUE(feed(trailers(head_limit), 1).reusable);
    EXPECT_EQ(feed(trailers(head_limit + 1), 1).ec, errc::too_large);
    // Chunk sizes with zeros before them, too.
    EXPECT_EQ(feed(chunked_head + std::string(head_limit + 1, '0'), 1).ec, errc::too_large);
}

TEST(HttpReader, KeepsNoMoreThanItHasTo)
{
    http_reader reader(head_limit);
    reader.start();
    error_code ec;
    const auto push = [&](std::string_view bytes) {
        const auto room = reader.prepare();
        ASSERT_GE(room.size, http_reader::least_read);
        ASSERT_LE(room.size, 2 * http_reader::most_read + head_limit);
        ASSERT_LE(bytes.size(), room.size);
        std::memcpy(room.data, bytes.data(), bytes.size());
        reader.commit(bytes.size(), ec);
        ASSERT_FALSE(ec) << ec.message();
    };
    push(chunked_head);
    // A chunk of 10 bytes, cut in another place each time; each with an extension and in many pieces.
    const std::string chunk = "a;x=y\r\n0123456789\r\n";
    for (std::size_t i = 0; i < 100'000; ++i)
    {
        const auto at = i % chunk.size();
        push(chunk.substr(0, at));
        push(chunk.substr(at));
    }
    EXPECT_EQ(reader.bytes(), chunked_head.size() + 100'000 * chunk.size());
}

struct shape
{
    std::string name;
    std::string bytes;
    std::string body = {};  // of a good one
};

/// What one reader takes for the end of a message and another does not.
std::vector<shape> two_ways()
{
    const std::string body = "5\r\nHELLO\r\n0\r\n\r\n";
    return {
        {"LengthThenChunked",
         ok + "content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n" + body},
        {"ChunkedThenLength",
         ok + "transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n" + body},
        {"CodingWithMoreBehindIt", ok + "transfer-encoding: chunked\xEA\r\n\r\n" + body},
        {"CodingWithParameter", ok + "transfer-encoding: chunked;q=1\r\n\r\n" + body},
        {"TwoCodingsWithoutComma", ok + "transfer-encoding: chunked gzip\r\n\r\n" + body},
        {"TwoLengths", ok + "content-length: 5\r\ncontent-length: 6\r\n\r\nHELLO!"},
        {"LengthList", ok + "content-length: 5, 6\r\n\r\nHELLO!"},
        {"NegativeLength", ok + "content-length: -1\r\n\r\n"},
        {"SignedLength", ok + "content-length: +5\r\n\r\nHELLO"},
        {"HexLength", ok + "content-length: 0x5\r\n\r\nHELLO"},
        {"LengthBeyondRange", ok + "content-length: 18446744073709551616\r\n\r\nHELLO"},
        {"EmptyLength", ok + "content-length: \r\n\r\nHELLO"},
        {"ChunkSizeBeyondRange", chunked_head + "10000000000000000\r\nHELLO\r\n0\r\n\r\n"},
        {"NegativeChunkSize", chunked_head + "-5\r\nHELLO\r\n0\r\n\r\n"},
        {"ChunkSizeWithPrefix", chunked_head + "0x5\r\nHELLO\r\n0\r\n\r\n"},
        {"ChunkLargerThanItsSize", chunked_head + "4\r\nHELLO\r\n0\r\n\r\n"},
        {"BareLineFeeds", "HTTP/1.1 200 OK\ncontent-length: 5\n\nHELLO"},
        {"BareCarriageReturn", ok + "content-length: 5\rx: y\r\n\r\nHELLO"},
        {"SpaceBeforeColon", ok + "content-length : 5\r\n\r\nHELLO"},
        {"FieldWithoutName", ok + ": 5\r\n\r\nHELLO"},
        {"LineWithoutColon", ok + "content-length\r\n\r\nHELLO"},
        {"ZeroByteInField", ok + "x: a\0b\r\ncontent-length: 0\r\n\r\n"s},
        {"ZeroByteInName", ok + "x\0: b\r\ncontent-length: 0\r\n\r\n"s},
        {"StatusOfFourDigits", "HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n"},
        {"StatusOfTwoDigits", "HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n"},
        {"VersionTwo", "HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n"},
        {"NoVersion", "HTTP 200 OK\r\ncontent-length: 0\r\n\r\n"},
        {"SomeOtherProtocol", "ICY 200 OK\r\n\r\n"},
    };
}

TEST(HttpReader, RefusesWhatCanBeReadInTwoWays)
{
    for (const auto& [name, bytes, ignored] : two_ways())
    {
        for (const auto piece : all_pieces)
        {
            const auto got = feed(bytes, piece, true);
            EXPECT_TRUE(got.ec) << name << ", pieces of " << piece << ": \"" << got.body << '"';
            EXPECT_FALSE(got.reusable) << name;
        }
    }
}

TEST(HttpReader, ReadsWhatIsOnlyOdd)
{
    const std::vector<shape> shapes{
        {"FoldedField", ok + "x: a\r\n b\r\ncontent-length: 2\r\n\r\nhi", "hi"},
        {"SameLengthTwice", ok + "content-length: 2\r\ncontent-length: 2\r\n\r\nhi", "hi"},
        {"NoReason", "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nhi", "hi"},
        {"BytesOutsideAscii", ok + "x: \xff\xc3\xa9\r\ncontent-length: 2\r\n\r\nhi", "hi"},
        {"CapitalHex", chunked_head + "00A\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
    };
    for (const auto& [name, bytes, body] : shapes)
    {
        for (const auto piece : all_pieces)
        {
            const auto got = feed(bytes, piece);
            EXPECT_FALSE(got.ec) << name << ": " << got.ec.message();
            EXPECT_EQ(got.body, body) << name;
            EXPECT_TRUE(got.reusable) << name;
        }
    }
}

/// Chunks of many sizes, some with what only Beast reads: extensions, and sizes with zeros in front.
TEST(HttpReader, ReadsChunksHoweverTheyAreCut)
{
    std::string bytes = chunked_head;
    std::string body;
    for (const std::size_t size :
         {1U, 15U, 16U, 17U, 2U, 255U, 256U, 3U, 300U, 9U, 10U, 1U, 4000U, 5U})
    {
        const bool is_odd = body.size() % 3 == 1;
        const std::string text(size, static_cast<char>('a' + size % 26));
        std::ostringstream head;
        head << (is_odd ? "00" : "") << std::hex
             << (size % 2 == 0 ? std::uppercase : std::nouppercase) << size;
        bytes += head.str() + (size == 9 ? ";x=y" : "") + "\r\n" + text + "\r\n";
        body += text;
    }
    bytes += "0\r\nx: y\r\n\r\n";
    for (std::size_t piece = 1; piece != 600; ++piece)
    {
        const auto got = feed(bytes, piece);
        ASSERT_FALSE(got.ec) << piece << ": " << got.ec.message();
        EXPECT_TRUE(got.done) << piece;
        EXPECT_TRUE(got.reusable) << piece;
        ASSERT_EQ(got.body, body) << piece;
    }
    for (std::size_t size = 0; size != bytes.size(); size += 7)
    {
        const auto got = feed(std::string_view(bytes).substr(0, size), bytes.size(), true);
        EXPECT_EQ(got.ec, boost::asio::error::eof) << size;
        EXPECT_TRUE(body.starts_with(got.body)) << size;
    }
}

TEST(HttpReader, UsesAConnectionAgainOnlyWhereTheMessageAllowsIt)
{
    const struct
    {
        std::string bytes;
        bool closes;
        bool done;
    } never[] = {
        {ok + "connection: close\r\ncontent-length: 2\r\n\r\nhi", false, true},
        {ok + "connection: foo, Close\r\ncontent-length: 2\r\n\r\nhi", false, true},
        {"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi", false, true},
        {ok + "\r\nhi", true, true},                             // until the connection ends
        {ok + "transfer-encoding: gzip\r\n\r\nhi", true, true},  // the same
        {ok + "content-length: 3\r\n\r\nhi", true, false},       // cut
        {chunked_head + "2\r\nhi\r\n", true, false},             // cut
        {ok + "content-length: 1\r\n\r\nhi", false, true},       // one byte too many
        {empty_answer + "H", false, true},                       // the beginning of another answer
        {empty_answer + "HTTP/1.1 200 OK\r\n", false, true},
        {"HTTP/1.1 204 No Content\r\n\r\n0\r\n\r\n", false, true},  // has no body
        {"HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\nhi", false, true},
    };
    for (const auto& [bytes, closes, done] : never)
    {
        for (const auto piece : all_pieces)
        {
            const auto got = feed(bytes, piece, closes);
            EXPECT_EQ(got.done, done) << bytes << ", pieces of " << piece;
            EXPECT_EQ(bool(got.ec), !done) << bytes << got.ec.message();
            EXPECT_FALSE(got.reusable) << bytes;
        }
    }
    EXPECT_TRUE(
        feed("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n", 1).reusable);
}

TEST(HttpReader, SwitchesNoProtocol)
{
    for (const auto piece : all_pieces)
    {
        const auto got = feed("HTTP/1.1 101 Switching Protocols\r\n\r\n" + empty_answer, piece);
        EXPECT_TRUE(got.ec);
        EXPECT_FALSE(got.head_done);
        for (const auto* code : {"100", "102", "103", "199"})
            EXPECT_EQ(feed("HTTP/1.1 "s + code + " X\r\n\r\n" + empty_answer, piece).status, 200);
    }
}

TEST(HttpReader, KnowsHowLongTheConnectionIsKept)
{
    http_reader reader(head_limit);
    error_code ec;
    reader.start();
    put(reader,
        "HTTP/1.1 103 Early Hints\r\nKeep-Alive: timeout=9\r\n\r\n"
        "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=100\r\nContent-Length: 0\r\n\r\n",
        ec);
    ASSERT_TRUE(reader.done());
    const auto taken = std::move(reader.head());
    EXPECT_EQ(taken.headers.size(), 2U);
    EXPECT_EQ(reader.keep_alive_timeout(), 5);
    EXPECT_TRUE(reader.reusable());
    reader.start();
    put(reader, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ec);
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_EQ(reader.keep_alive_timeout(), std::nullopt);
}

/// Reads of that size, however much room there is for more, of a body that never ends; where they had another room than the
/// first of them, how many had the same as it.
unsigned reads_with_the_same_room(http_reader& reader, std::size_t size)
{
    const auto room = reader.prepare().size;
    for (unsigned same = 0; same != 1000; ++same)
    {
        const auto next = reader.prepare();
        if (next.size != room)
            return same;
        EXPECT_LE(size, next.size);
        std::memset(next.data, 'x', size);
        error_code ec;
        reader.commit(size, ec);
        EXPECT_FALSE(ec) << ec.message();
    }
    return 1000;
}

// Little for a connection on which little comes, much where much does; and what alternates does not pay for a change each time.
TEST(HttpReader, HasAsMuchRoomAsReadsNeed)
{
    http_reader reader(head_limit);
    reader.start();
    error_code ec;
    put(reader, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", ec);
    ASSERT_FALSE(ec);
    const auto small = reader.prepare().size;
    EXPECT_GE(small, http_reader::least_read);
    EXPECT_LT(small, 2 * http_reader::least_read);
    EXPECT_EQ(reads_with_the_same_room(reader, small / 2), 1000U);

    // A read that fills it is followed by a large one; each time that this was for little, it lasts longer.
    for (const unsigned patience : {0U, 3U, 15U, 63U, 255U, 255U})
    {
        EXPECT_EQ(reads_with_the_same_room(reader, small), 1U);
        EXPECT_GE(reader.prepare().size, http_reader::record_read);
        EXPECT_LT(reader.prepare().size, 2 * http_reader::record_read);
        EXPECT_EQ(reads_with_the_same_room(reader, 1), patience + 1);
        EXPECT_EQ(reader.prepare().size, small);
    }
    EXPECT_EQ(reads_with_the_same_room(reader, small), 1U);
    const auto large = reader.prepare().size;
    EXPECT_EQ(reads_with_the_same_room(reader, http_reader::least_read + 1), 1000U);

    // Where that comes full, too, there is more to come; and less again where it is not.
    EXPECT_EQ(reads_with_the_same_room(reader, large), 1U);
    EXPECT_EQ(reader.prepare().size, http_reader::most_read);
    EXPECT_EQ(reads_with_the_same_room(reader, http_reader::record_read + 1), 1000U);
    EXPECT_EQ(reads_with_the_same_room(reader, http_reader::most_read), 1000U);
    EXPECT_EQ(reads_with_the_same_room(reader, http_reader::record_read), 256U);
    EXPECT_EQ(reader.prepare().size, large);
}

TEST(HttpReader, GivesItsMemoryBackBetweenResponses)
{
    http_reader reader(head_limit);
    error_code ec;
    const std::string body(http_reader::least_read, 'x');
    for (int i = 0; i != 3; ++i)
    {
        reader.start();
        put(reader, "HTTP/1.1 200 OK\r\nContent-Length: 640\r\n\r\n", ec);
        put(reader, body, ec);
        ASSERT_FALSE(ec) << ec.message();
        ASSERT_TRUE(reader.reusable());
        reader.give_memory_back();
        EXPECT_TRUE(reader.pieces().empty());
        EXPECT_TRUE(reader.reusable());
        EXPECT_EQ(reader.prepare().size, http_reader::least_read);
    }
}

}  // namespace

}  // namespace regolo::test
