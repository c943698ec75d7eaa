#pragma once

#include "core/check_options.hpp"
#include "core/http_message.hpp"
#include "core/secret.hpp"
#include "net/connection_pool.hpp"
#include "net/dialer.hpp"
#include "net/one_shot.hpp"
#include "net/outgoing_body.hpp"

#include <regolo/error.hpp>
#include <regolo/metadata.hpp>
#include <regolo/options.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace regolo::net {

/// What the exchanges of a client share.
struct world
{
    asio::any_io_executor executor;
    std::shared_ptr<deadline_timer> timer;
    std::shared_ptr<dialer> dial;
    std::shared_ptr<connection_pool> pool;
    std::shared_ptr<const core::proxy_rules> proxies;
    std::shared_ptr<random_source> random;
    std::size_t head_limit = 0;
};

/// Hears how an exchange goes on. Called on the strand.
class exchange_listener
{
public:
    virtual void on_queued() noexcept = 0;
    virtual void on_connected(const connection& used, bool reused,
                              std::chrono::nanoseconds queued) noexcept = 0;
    virtual void on_sent(const connection& used, std::uint64_t body_bytes) noexcept = 0;

protected:
    ~exchange_listener() = default;
};

/// The answer as far as it is known while a large request is being sent.
struct early_answer
{
    one_shot known;  // there is a head, or there will be none
    bool pending = true;
    bool sending = true;
    bool refused = false;  // the rest of the request is of no use
    error_code failure;
};

/** One attempt: a place in the pool, a connection, the request sent, the response read, each within its limit.

    Lives on the strand of its scope. The listener must outlive it.
*/
class exchange : public std::enable_shared_from_this<exchange>
{
public:
    exchange(std::shared_ptr<const world> shared, std::shared_ptr<scope> owner,
             const core::resolved_limits& limits, exchange_listener& listener);

    /** Goes as far as the complete response head. A refusal that comes before the end of a large request ends the sending.

        @param request  has to live as long as this runs
        @param fresh  do not use an idle connection
        @throws error, boost::system::system_error  see `explain`
    */
    asio::awaitable<void> open(const core::http_request& request, outgoing_body body,
                               std::shared_ptr<const core::secret> key, core::origin where,
                               bool fresh);

    [[nodiscard]] core::response_head& head() noexcept { return lease_.get()->reader.head(); }

    /// Body bytes that have arrived and were not taken yet. Valid until the next read.
    [[nodiscard]] std::vector<std::string_view>& pieces() noexcept
    {
        return lease_.get()->reader.pieces();
    }
    [[nodiscard]] bool body_done() const noexcept { return lease_.get()->reader.done(); }
    [[nodiscard]] const std::shared_ptr<connection>& used() const noexcept { return lease_.get(); }
    [[nodiscard]] bool has_connection() const noexcept { return lease_.get() != nullptr; }
    /// At least one byte of the request may have reached the server.
    [[nodiscard]] bool sent() const noexcept { return sent_; }

    /// Reads more of the body into `pieces()`. `done(ec)` is called on the strand; an error is kept for `explain`.
    template <class Handler>
    void async_read_body(Handler done)
    {
        error_code broken;
        const auto room = prepare_read(broken);
        if (broken)
        {
            asio::post(scope_->executor(),
                       [done = std::move(done), broken]() mutable { std::move(done)(broken); });
            return;
        }
        lease_.get()->stream->async_read_some(
            room, body_read<Handler>{shared_from_this(), lease_.get(), std::move(done)});
    }

    /** Appends what has come of the body to `body`. Above `limit` it fails with `errc::too_large`, naming `limit_name`; or,
        where no name is given, takes as much as fits and calls that the whole.
        @returns  false where more is to come */
    bool take_body(std::string& body, std::size_t limit, const char* limit_name);
    /// Reads on until `take_body` has it all. `body` has what came also where this fails.
    /// @param body  must live until the operation completes
    asio::awaitable<void> read_body(std::string& body, std::size_t limit, const char* limit_name);

    /// The answer is complete for its reader: the connection goes back, if need be after its last bytes.
    void finish();
    /// The connection is of no use any more.
    void discard(close_reason why) noexcept;

    /// What an exception or a failed read means: code, phase, text, whether the request was sent.
    [[nodiscard]] error_info explain(std::exception_ptr failure) const;
    [[nodiscard]] error_info explain(error_code ec) const;

    /// The request failed on a connection that the server had closed already: send it again on a fresh one. See
    /// `core::is_stale`.
    [[nodiscard]] bool is_stale(bool proven_only) const noexcept;

    [[nodiscard]] const regolo::timings& timings() const noexcept { return timings_; }
    [[nodiscard]] bool reused() const noexcept { return reused_; }
    [[nodiscard]] std::uint64_t bytes_received() const noexcept;
    [[nodiscard]] clock::time_point head_at() const noexcept { return head_at_; }
    [[nodiscard]] phase where() const noexcept { return where_; }
    /// The source of the body was opened, which a one-shot source allows once.
    [[nodiscard]] bool opened_source() const noexcept { return opened_source_; }
    /// On the way to the server; null: none.
    [[nodiscard]] const core::proxy_server* proxy() const noexcept { return proxy_; }

private:
    /// The handler of such a read, which keeps what it needs. All of it is small, so that a read needs no memory of its own.
    template <class Handler>
    struct body_read
    {
        using executor_type = asio::any_io_executor;

        std::shared_ptr<exchange> self;
        std::shared_ptr<connection> used;
        Handler done;

        [[nodiscard]] executor_type get_executor() const noexcept
        {
            return self->scope_->executor();
        }
        void operator()(error_code ec, std::size_t n)
        {
            self->on_read(*used, ec, n);
            std::move(done)(ec);
        }
    };

    asio::mutable_buffer prepare_read(error_code& broken);
    asio::awaitable<void> connect();
    asio::awaitable<void> send_watched(core::secret head, outgoing_body body);
    asio::awaitable<void> write_source(outgoing_body body, scope::phase_limit& progress);
    asio::awaitable<void> write_all(std::string_view bytes, scope::phase_limit& progress);
    asio::awaitable<void> write_rest(std::string_view bytes);
    bool write_now(std::string_view& bytes);
    void check_written(error_code ec);
    void watch_answer();
    void on_early_read(connection& used, error_code ec, std::size_t n);
    void on_head_read(connection& used, error_code& ec, std::size_t n);
    asio::awaitable<void> read_early();
    void on_read(connection& used, error_code& ec, std::size_t n);
    void note_failure(connection& used, error_code ec) noexcept;
    [[nodiscard]] bool is_refused_for_certificate() const noexcept;
    [[nodiscard]] std::string failure_text(error_code ec) const;
    [[nodiscard]] clock::time_point now() const noexcept { return world_->timer->now(); }

    std::shared_ptr<const world> world_;
    std::shared_ptr<scope> scope_;
    core::resolved_limits limits_;
    exchange_listener& listener_;
    core::origin origin_;
    const core::proxy_server* proxy_ = nullptr;  // on the way there, if any
    connection_pool::lease lease_;
    regolo::timings timings_;
    phase where_ = phase::prepare;
    bool reused_ = false;
    bool sent_ = false;
    bool send_failed_ = false;
    bool whole_sent_ = false;  // nothing of the request is left to write
    bool opened_source_ = false;
    std::uint64_t body_sent_ = 0;
    std::optional<early_answer> early_;  // while a large request is sent
    bool closed_ = false;     // the peer ended the connection before the response was complete
    error_code broken_body_;  // found while the head was read
    bool cut_ = false;        // ... without a close_notify
    bool has_part_ = false;   // ... in the middle of a TLS record
    bool ended_ = false;      // ... with FIN
    bool arrived_ = true;     // ... when it may have had some of the request
    std::optional<std::uint64_t> acknowledged_;  // of what was sent before the request
    clock::time_point sent_at_;                  // the last request byte
    clock::time_point failed_at_;
    clock::time_point head_at_;
};

}  // namespace regolo::net
