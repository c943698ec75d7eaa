#pragma once

#include "core/http_message.hpp"

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace regolo::net {

/** Reads HTTP/1 responses from bytes. Owns the buffer that they are read into; Beast's parser does the rest.

    @code
    reader.start();
    while (!reader.head_done() && !ec) { n = read into reader.prepare(); reader.commit(n, ec); }
    for (auto piece : reader.pieces()) use(piece);     // body that came along
    while (!reader.done() && !ec) { n = read into reader.prepare(); reader.commit(n, ec); use the pieces }
    @endcode

    Body bytes are handed out where they lie: the pieces are valid until the next `prepare`.
*/
class http_reader
{
public:
    /// What one read may bring. At first, and while little comes: many connections wait with nothing to come but an event now
    /// and then. After one that came full: what a TLS record holds. After one of those that came full: several, since each
    /// read has its price.
    static constexpr std::size_t least_read = 640;
    static constexpr std::size_t record_read = std::size_t{16} * 1024;
    static constexpr std::size_t most_read = std::size_t{64} * 1024;

    explicit http_reader(std::size_t head_limit);
    ~http_reader();
    http_reader(const http_reader&) = delete;
    http_reader& operator=(const http_reader&) = delete;

    /// Begins a response. Interim responses (1xx) are passed over.
    void start();

    struct region
    {
        char* data;
        std::size_t size;
    };
    /// Room for the next read, at most `most_read`. Invalidates the pieces.
    [[nodiscard]] region prepare();
    /// Between two responses on a connection that waits for the next one. Invalidates the pieces.
    /// @par Preconditions  reusable()
    void give_memory_back() noexcept;

    /// `n` bytes were read. Fails where they are no HTTP, or the head is too large (`errc::too_large`): its bytes, and 32
    /// more for each field.
    void commit(std::size_t n, boost::system::error_code& ec);

    /// The peer closed. Fails with `asio::error::eof` where the message is incomplete.
    void commit_eof(boost::system::error_code& ec);

    [[nodiscard]] bool head_done() const noexcept;
    [[nodiscard]] bool done() const noexcept;
    /// The body ends with the connection and with nothing else.
    [[nodiscard]] bool ends_with_connection() const noexcept;
    /// Another response may follow on this connection: the message allows it and no byte was left over.
    [[nodiscard]] bool reusable() const noexcept;

    /// Whoever needs it longer may move its fields away; the reader itself needs the status alone.
    [[nodiscard]] core::response_head& head() noexcept;
    /// Seconds for which the server keeps an idle connection, if the head said so.
    [[nodiscard]] std::optional<int> keep_alive_timeout() const noexcept;
    /// Bytes of the body, if the head told how many; a chunked one has none.
    [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept;
    [[nodiscard]] std::vector<std::string_view>& pieces() noexcept;
    /// Bytes of any kind since `start`.
    [[nodiscard]] std::size_t bytes() const noexcept;

private:
    class parser;
    void parse(boost::system::error_code& ec);
    void take_plain_chunks();
    [[nodiscard]] region room() const noexcept;
    void choose_room(std::size_t last_read) noexcept;
    void reallocate(std::size_t size);
    /// What the head under way or done counts against the limit.
    [[nodiscard]] std::size_t head_size() const noexcept;

    std::size_t head_limit_;
    std::unique_ptr<parser> parser_;
    std::unique_ptr<char[]> buffer_;  // NOLINT(modernize-avoid-c-arrays): a vector would clear it
    std::size_t capacity_ = 0;
    std::size_t room_ = least_read;  // for the next read
    // Small reads before a room becomes a smaller one again: more where that came too early.
    unsigned small_reads_ = 0;
    unsigned small_reads_left_ = 0;
    std::size_t begin_ = 0;  // unparsed bytes: [begin_, end_)
    std::size_t end_ = 0;
    std::size_t bytes_ = 0;
    std::size_t interim_ = 0;     // what interim responses count against the limit
    std::size_t head_bytes_ = 0;  // of the head under way or done
};

}  // namespace regolo::net
