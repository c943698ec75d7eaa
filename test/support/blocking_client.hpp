#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;

namespace regolo::test {

/// How the bytes of a connection ended.
enum class ending
{
    none,       // still open
    orderly,    // FIN, after close_notify with TLS
    truncated,  // FIN without close_notify
    reset,
    tls_failure,  // an alert or garbage
    timed_out,
};

/** A plain socket or TLS client that blocks: the reference the test server is tested against.

    Independent of the library under test and of Asio. Every read has a limit of ten seconds.
*/
class blocking_client
{
public:
    explicit blocking_client(std::uint16_t port, bool ipv6 = false);
    ~blocking_client();
    blocking_client(const blocking_client&) = delete;
    blocking_client& operator=(const blocking_client&) = delete;

    struct tls_options
    {
        std::string ca_pem;
        std::string host = "localhost";
        std::string client_certificate_pem;
        std::string client_key_pem;
        std::shared_ptr<ssl_session_st> session;  ///< to resume
    };

    /// Shakes hands; false when it fails, with the reason in `error()`.
    [[nodiscard]] bool start_tls(const tls_options& options);

    void send(std::string_view bytes);

    /// Reads until `end` is in what has been read, and returns everything up to and with it; less at the end of the stream.
    [[nodiscard]] std::string read_to(std::string_view end);

    /// Reads one answer with Content-Length or chunked coding, head and raw body.
    [[nodiscard]] std::string read_answer();

    /// Reads to the end of the stream.
    [[nodiscard]] std::string read_all();

    /// One read call's worth, at least a byte; empty at the end of the stream.
    [[nodiscard]] std::string read_some();

    /// FIN, without close_notify.
    void close();
    void reset();

    [[nodiscard]] ending how_it_ended() const noexcept { return ending_; }
    [[nodiscard]] const std::string& error() const noexcept { return error_; }
    [[nodiscard]] bool is_resumed() const noexcept;
    [[nodiscard]] std::string tls_version() const;
    [[nodiscard]] std::string alpn() const;
    [[nodiscard]] std::shared_ptr<ssl_session_st> session() const;

private:
    bool fill();
    void note_end(int error);

    int socket_ = -1;
    std::shared_ptr<ssl_ctx_st> context_;
    std::shared_ptr<ssl_st> ssl_;
    std::string buffer_;
    ending ending_ = ending::none;
    std::string error_;
};

}  // namespace regolo::test
