#include "net/http_reader.hpp"

#include "net/out_of_memory.hpp"

#include <regolo/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/version.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <utility>

namespace regolo::net {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

// What a field counts beside its bytes, as in RFC 9113, section 6.5.2: kept, it takes more than those.
constexpr std::size_t field_overhead = 32;

constexpr std::string_view line_break = "\r\n";
// Of a chunk that is not the first one: the end of the one before it, a digit, and half a line break.
constexpr std::size_t least_chunk_head = 4;

// Room for what reads leave unparsed comes in such steps, or each of them might need a little more.
constexpr std::size_t slack = 128;

// After so many the buffer is a smaller one again; about five seconds of tokens.
constexpr unsigned most_small_reads = 255;

}  // namespace

/// Beast's parser with our ideas of what to keep: fields as they come, body bytes where they lie.
class http_reader::parser final : public http::basic_parser<false>
{
public:
    explicit parser(std::size_t head_limit) : head_limit_(head_limit)
    {
        this->body_limit(boost::none);  // limits of ours apply; Beast's counts over all chunks
        this->header_limit(static_cast<std::uint32_t>(
            std::min<std::size_t>(head_limit, std::numeric_limits<std::uint32_t>::max())));
    }

    core::response_head head;
    std::optional<int> keep_alive_timeout;
    std::vector<std::string_view> pieces;
    std::size_t overhead = 0;     // of the fields
    bool seen_chunk = false;      // a chunk header was read: see parse()
    bool between_chunks = false;  // the line break behind a chunk is what comes next

private:
    using text = boost::beast::string_view;

    static std::string_view view(text t) noexcept { return {t.data(), t.size()}; }

    void on_request_impl(http::verb, text, text, int, error_code&) override {}

    void on_response_impl(int status, text reason, int version, error_code&) override
    {
        head.status = status;
        head.version = version;
        head.reason = view(reason);
    }

    void on_field_impl(http::field field, text name, text value, error_code& ec) override
    {
        if (this->is_header_done())
            return;  // a trailer
        // Beast looks no further than the first thing that is no coding, and takes what stands before it for the last one.
        if (field == http::field::transfer_encoding &&
            !http::validate_list(http::opt_token_list(value)))
        {
            ec = http::error::bad_transfer_encoding;
            return;
        }
        overhead += field_overhead;
        if (overhead > head_limit_)
            ec = errc::too_large;  // the bytes of one read may be thousands of fields
        else
        {
            if (head.headers.empty())
                head.headers.reserve(8);  // as many as are usual
            head.headers.emplace_back(view(name), view(value));
        }
    }

#if BOOST_BEAST_VERSION >= 359
    void on_trailer_field_impl(http::field, text, text, error_code&) override {}
#endif

    void on_header_impl(error_code&) override
    {
        keep_alive_timeout = core::keep_alive_timeout(head);
    }
    void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}

    std::size_t on_body_impl(text body, error_code&) override
    {
        pieces.push_back(view(body));
        return body.size();
    }

    void on_chunk_header_impl(std::uint64_t, text, error_code&) override
    {
        seen_chunk = true;
        between_chunks = false;
    }

    std::size_t on_chunk_body_impl(std::uint64_t left, text body, error_code&) override
    {
        pieces.push_back(view(body));
        between_chunks = body.size() == left;
        return body.size();
    }

    void on_finish_impl(error_code&) override {}

    std::size_t head_limit_;
};

http_reader::http_reader(std::size_t head_limit) : head_limit_(head_limit) { start(); }

http_reader::~http_reader() = default;

void http_reader::start()
{
    auto pieces = parser_ ? std::move(parser_->pieces) : std::vector<std::string_view>();
    pieces.clear();
    parser_ = std::make_unique<parser>(head_limit_);
    parser_->pieces = std::move(pieces);
    bytes_ = interim_ = head_bytes_ = 0;
}

http_reader::region http_reader::prepare()
{
    parser_->pieces.clear();
    // A head under way may need more room than a read; its limit bounds the growth.
    const auto kept = end_ - begin_;
    if (capacity_ < kept + room_ || capacity_ > kept + room_ + record_read / 2)
        reallocate((kept + slack - 1) / slack * slack + room_);
    else if (kept != 0 && capacity_ - end_ < room_)
        std::memmove(buffer_.get(), buffer_.get() + begin_, kept);
    else if (kept != 0)
        return room();
    begin_ = 0;
    end_ = kept;
    return room();
}

http_reader::region http_reader::room() const noexcept
{
    return {buffer_.get() + end_, std::min(capacity_ - end_, most_read)};
}

void http_reader::give_memory_back() noexcept
{
    parser_->pieces = {};
    buffer_.reset();
    capacity_ = begin_ = end_ = 0;
    room_ = least_read;
}

void http_reader::reallocate(std::size_t size)
{
    auto larger = std::make_unique_for_overwrite<char[]>(size);  // NOLINT(modernize-avoid-c-arrays)
    std::copy(buffer_.get() + begin_, buffer_.get() + end_, larger.get());
    buffer_ = std::move(larger);
    capacity_ = size;
}

void http_reader::commit(std::size_t n, error_code& ec)
{
    end_ += n;
    bytes_ += n;
    choose_room(n);
    try
    {
        parse(ec);
    }
    catch (const std::bad_alloc&)
    {
        ec = out_of_memory();
    }
}

void http_reader::choose_room(std::size_t last_read) noexcept
{
    const bool is_full = end_ == capacity_ || last_read == most_read;
    const auto less = room_ == most_read ? record_read : least_read;
    if (is_full && room_ != most_read)
    {
        room_ = room_ == least_read ? record_read : most_read;
        small_reads_left_ = small_reads_;
        small_reads_ = std::min(4 * small_reads_ + 3, most_small_reads);
    }
    else if (last_read > less)
        return;
    else if (small_reads_left_ == 0)
        room_ = less;
    else
        --small_reads_left_;
}

void http_reader::parse(error_code& ec)
{
    while (begin_ != end_ && !parser_->is_done())
    {
        take_plain_chunks();
        // Up to Boost 1.85 a debug build of Beast asserts when the five bytes of an empty chunked body come one by one.
        const std::size_t available = end_ - begin_;
        if (parser_->is_header_done() && parser_->chunked() && !parser_->seen_chunk &&
            available < 5)
            return;
        if (parser_->between_chunks && available < least_chunk_head)
            return;
        const bool in_head = !parser_->is_header_done();
        // one step of the body at a time, and not beyond the head, whose size counts
        parser_->eager(!in_head && !parser_->chunked());
        const std::size_t used =
            parser_->put(asio::const_buffer(buffer_.get() + begin_, available), ec);
        begin_ += used;
        // Beast looks at its limit only where a head comes in several pieces.
        head_bytes_ += in_head ? used : 0;
        if (in_head && head_size() > head_limit_)
        {
            ec = errc::too_large;
            return;
        }
        if (ec == http::error::need_more)
        {
            parser_->between_chunks = false;  // Beast remembers how far it has looked
            // What is kept unparsed is the rest of a head, a chunk's extensions or trailers.
            ec = {};
            if (end_ - begin_ + (in_head ? head_size() : 0) > head_limit_)
                ec = errc::too_large;
            return;
        }
        if (ec == http::error::header_limit)
            ec = errc::too_large;
        if (ec)
            return;
        if (parser_->is_header_done() && parser_->head.status / 100 == 1)
        {
            if (parser_->head.status == 101)
            {
                ec = http::error::bad_status;  // nobody asked to switch protocols
                return;
            }
            interim_ += head_size();
            if (interim_ > head_limit_)
            {
                ec = errc::too_large;
                return;
            }
            const auto interim = interim_;
            const auto bytes = bytes_;
            start();
            interim_ = interim;
            bytes_ = bytes;
        }
        else if (used == 0)
        {
            return;
        }
    }
}

/** Takes chunks that lie before us as a whole and have no extension, as nearly all do, past Beast's parser. That is between two
    chunks, before and after. */
void http_reader::take_plain_chunks()
{
    constexpr std::size_t most_digits = 8;
    while (parser_->between_chunks)
    {
        const std::string_view input(buffer_.get() + begin_, end_ - begin_);
        if (!input.starts_with(line_break))
            return;
        std::size_t size = 0;
        const char* const digits = input.data() + line_break.size();
        const auto* const last =
            input.data() + std::min(input.size(), line_break.size() + most_digits);
        const auto [end, error] = std::from_chars(digits, last, size, 16);
        const auto head = static_cast<std::size_t>(end - input.data()) + line_break.size();
        if (error != std::errc() || size == 0 || input.size() < head + size ||
            input.substr(head - line_break.size(), line_break.size()) != line_break)
            return;
        parser_->pieces.push_back(input.substr(head, size));
        begin_ += head + size;
    }
}

void http_reader::commit_eof(error_code& ec)
{
    if (parser_->is_done())
        return;
    if (!parser_->is_header_done())
    {
        ec = asio::error::eof;
        return;
    }
    parser_->put_eof(ec);
    if (ec)
        ec = asio::error::eof;
}

std::size_t http_reader::head_size() const noexcept { return head_bytes_ + parser_->overhead; }

// That of an interim response is none.
bool http_reader::head_done() const noexcept
{
    return parser_->is_header_done() && parser_->head.status / 100 != 1;
}

bool http_reader::done() const noexcept { return head_done() && parser_->is_done(); }

bool http_reader::ends_with_connection() const noexcept
{
    return parser_->is_header_done() && parser_->need_eof();
}

bool http_reader::reusable() const noexcept
{
    return done() && parser_->keep_alive() && begin_ == end_;
}

core::response_head& http_reader::head() noexcept { return parser_->head; }

std::optional<int> http_reader::keep_alive_timeout() const noexcept
{
    return parser_->keep_alive_timeout;
}

std::optional<std::uint64_t> http_reader::content_length() const noexcept
{
    const auto length = parser_->content_length();
    return length ? std::optional(*length) : std::nullopt;
}

std::vector<std::string_view>& http_reader::pieces() noexcept { return parser_->pieces; }

std::size_t http_reader::bytes() const noexcept { return bytes_; }

}  // namespace regolo::net
