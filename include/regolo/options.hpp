#pragma once

#include <regolo/export.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace regolo::inline v0 {

/** Time limits of a call, each with an `errc` of its own.

    An unset member takes the client's value in `call_options`, and the default in `client_config`.
    Zero switches a limit off; a negative value is refused with `errc::bad_config`.
*/
struct time_limits
{
    using duration = std::chrono::milliseconds;

    std::optional<duration> queue;        ///< for a place in the pool; default 600 s
    std::optional<duration> connect;      ///< look-up, TCP, proxy and TLS together; default 10 s
    std::optional<duration> send;         ///< while the server takes nothing; default 60 s
    std::optional<duration> head;         ///< last request byte to response head; default 600 s
    std::optional<duration> first_event;  ///< response head to the first event; default 600 s
    std::optional<duration> idle;         ///< between bytes, while a read is pending; default 120 s
    std::optional<duration> total;        ///< the whole call with all its attempts; default none
};

/** When and how a failed attempt is made again.

    Retried are the statuses 408, 409, 429 and 500 and above, connections that failed before the
    request was sent, an error frame that opens a stream, judged by its code as if it were the
    status, and an empty answer where `client_config::fail_on` makes it an error. Never retried: anything after a
    stream's first chunk, what TLS refuses, a used-up budget or quota, a time limit that fired while the server was
    working.

    A server's retry-after is the least wait: by chance up to a tenth more, and up to 250 ms at least, keep clients that were
    sent away together from coming back together.

    Beside the retries, and not counted as one, a request is sent again at once if a connection that had been used before
    turns out to be dead: the server had ended it before it had any of the request, or the request could not be written
    whole. Such a request was never worked on. With `replay_stale` a close within a second, without a byte of an answer, is
    taken for the same, though a server may have read the request before it closed: then it may be billed twice.
*/
struct retry_policy
{
    using duration = std::chrono::milliseconds;

    int max_retries = 2;               ///< attempts after the first; 0 switches retries off
    duration initial_delay{500};       ///< before the first retry; doubled for each further one
    duration max_delay{8000};          ///< upper bound of the doubled delay
    double jitter = 0.25;              ///< up to this share of the delay is taken off; 0 to 1
    duration retry_after_cap{120000};  ///< a server that asks for more is not waited for
    duration late_timeout{30000};      ///< 408 and 504 that came later than this are not retried
    bool replay_sent = false;  ///< retry a request that was sent and lost: may be billed twice
    bool replay_stale =
        true;  ///< send again what met a closing connection; false: only if that is proven
};

/// The connection pool, per origin (scheme, host and port).
struct pool_options
{
    using duration = std::chrono::milliseconds;

    std::size_t max_connections = 1000;  ///< at least 1; further calls wait in order
    std::size_t max_idle = 1000;         ///< kept open and unused; 0 keeps none
    duration idle_limit{
        4000};  ///< until a server shows that it keeps them longer (gateways close at 5 s)
    duration learnt_idle_limit{60000};  ///< upper bound of what a server's hint may raise it to
    duration max_age{600000};           ///< less up to 10 % jitter; zero: no limit
    duration dns_cache{30000};          ///< how long a look-up is used; zero: not kept
    duration connection_attempt_delay{
        250};                   ///< before the next address is tried (RFC 8305, section 5)
    bool tcp_keepalive = true;  ///< probes after 60 s, every 15 s, 5 times
};

/// Upper bounds in bytes unless said otherwise. All are finite; raise what a program needs.
struct limits
{
    /// The head of a response, and interim ones together. Each field counts 32 more than its bytes (RFC 9113, section 6.5.2).
    std::size_t head = std::size_t{64} * 1024;
    std::size_t error_body = std::size_t{64} * 1024;    ///< body of a response that is no success
    std::size_t body = std::size_t{256} * 1024 * 1024;  ///< a whole answer, also one in chunks
    std::size_t event = std::size_t{64} * 1024 * 1024;  ///< one event of a stream
    std::size_t json_depth = 128;                       ///< nested arrays and objects
    std::size_t index = 128;  ///< choice and tool-call indices: below this
};

/** HTTP proxies on the way to the server: `https://` URLs go through a tunnel (CONNECT), `http://` ones are passed on by
    the proxy itself. A URL is "http://[user[:password]@]host[:port]"; empty: none. */
struct proxy_options
{
    std::string http;   ///< for `http://` base URLs
    std::string https;  ///< for `https://` base URLs
    std::string
        bypass;  ///< hosts that are reached without it, as in `no_proxy`: "localhost,.example.com,10.0.0.0/8", or "*"

    proxy_options() = default;
    /// One for all.
    explicit proxy_options(std::string_view url) : http(url), https(url) {}
};

/** TLS. The system's trust store, `SSL_CERT_FILE` and `SSL_CERT_DIR` are used in any case.

    Whatever the system's settings allow, TLS below 1.2, RSA keys below 2048 bits and SHA-1 signatures are refused, and a
    host must be among the certificate's subjectAltNames: its common name does not count, and a wildcard stands for one
    whole label. The files are read when a client is made; one that cannot be used is `errc::bad_config`.
*/
struct tls_options
{
    std::string ca_file;  ///< PEM file of further certificate authorities
    std::string ca_pem;   ///< the same, as text

    /** PEM file of certificate revocation lists (CRL), one or more; empty: revocation is not checked. The list of the
        server certificate's issuer must be among them and current, else the certificate is refused. Authorities are checked
        as far as there are lists of their issuers. Of several lists of one issuer the newest counts; of those with the same
        date, all. Sessions are not resumed then: each handshake checks. */
    std::string crl_file;

    std::string client_cert_file;  ///< PEM chain that this client shows, its own certificate first
    /// PEM private key for it, which is not encrypted; empty: the key is in `client_cert_file`, too.
    std::string client_key_file;

    /// Switches peer and host-name verification off. Anybody on the way can then read the key.
    bool dangerously_skip_verification = false;

    tls_options() = default;
};

}  // namespace regolo::inline v0
