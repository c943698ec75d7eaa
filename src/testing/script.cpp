#include <regolo/testing/script.hpp>

#include <array>
#include <charconv>
#include <utility>

namespace regolo::inline v0::testing {

namespace {

std::string_view reason(int status)
{
    switch (status)
    {
        case 200:
            return "OK";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 413:
            return "Content Too Large";
        case 422:
            return "Unprocessable Entity";
        case 429:
            return "Too Many Requests";
        case 500:
            return "Internal Server Error";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        default:
            return "Status";
    }
}

std::vector<std::size_t> even_cuts(std::size_t total, std::size_t size)
{
    std::vector<std::size_t> cuts;
    if (size != 0)
    {
        for (std::size_t at = size; at < total; at += size)
            cuts.push_back(at);
    }
    return cuts;
}

}  // namespace

script& script::open_with(opening how)
{
    opening_ = how;
    return *this;
}

script& script::expect_request() { return add(step::expect_request{}); }

script& script::expect_part() { return add(step::expect_part{}); }

script& script::simulate() { return add(step::simulate{}); }

script& script::send(std::string bytes) { return add(step::send{std::move(bytes), {}, false}); }

script& script::send_pieces(std::string bytes, std::size_t size)
{
    auto cuts = even_cuts(bytes.size(), size);
    return add(step::send{std::move(bytes), std::move(cuts), true});
}

script& script::send_cut(std::string bytes, std::vector<std::size_t> offsets)
{
    return add(step::send{std::move(bytes), std::move(offsets), true});
}

script& script::send_raw(std::string bytes) { return add(step::send_raw{std::move(bytes)}); }

script& script::stream(piece_source next, std::chrono::nanoseconds interval)
{
    return add(step::stream{std::move(next), interval});
}

script& script::respond(int status, std::string_view content_type, std::string_view body,
                        std::string_view more_headers)
{
    std::string headers = "content-type: ";
    headers.append(content_type)
        .append("\r\ncontent-length: ")
        .append(std::to_string(body.size()))
        .append("\r\n");
    headers.append(more_headers);
    return send(http_head(status, headers).append(body));
}

script& script::start_stream(std::string_view more_headers)
{
    std::string headers =
        "content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n";
    return send(http_head(200, headers.append(more_headers)));
}

script& script::event(std::string_view data)
{
    std::string event = "data: ";
    event.append(data).append("\n\n");
    return add(step::send{http_chunk(event), {}, true});
}

script& script::end_stream() { return send(std::string(last_http_chunk())); }

script& script::pause(std::chrono::nanoseconds length) { return add(step::pause{length}); }

script& script::pause(gate until) { return add(step::wait_gate{std::move(until)}); }

script& script::open(gate which) { return add(step::open_gate{std::move(which)}); }

script& script::stop_reading() { return add(step::stop_reading{}); }

script& script::stall() { return add(step::stall{}); }

script& script::fin() { return add(step::fin{}); }

script& script::cut_tls() { return add(step::cut_tls{}); }

script& script::rst() { return add(step::rst{}); }

script& script::then(const script& other)
{
    const auto more = other.steps_;  // a copy: other may be *this
    steps_.insert(steps_.end(), more.begin(), more.end());
    return *this;
}

script& script::add(script_step next)
{
    steps_.push_back(std::move(next));
    return *this;
}

std::string http_chunk(std::string_view bytes)
{
    std::array<char, 20> size{};
    const auto* const end =
        std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16).ptr;
    std::string chunk(size.data(), static_cast<std::size_t>(end - size.data()));
    return chunk.append("\r\n").append(bytes).append("\r\n");
}

std::string_view last_http_chunk() noexcept { return "0\r\n\r\n"; }

std::string http_head(int status, std::string_view more_headers)
{
    std::string head = "HTTP/1.1 " + std::to_string(status) + ' ';
    head.append(reason(status)).append("\r\n").append(more_headers);
    if (!head.ends_with("\r\n"))
        head += "\r\n";
    return head.append("\r\n");
}

}  // namespace regolo::inline v0::testing
