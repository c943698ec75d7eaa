// Many streams at a time with the floor F2; see clients/crowd.hpp. It finds the end of each event and the time in it, and looks at
// nothing else.

#include "clients/answer_counter.hpp"
#include "clients/crowd.hpp"
#include "clients/epoll_connections.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace regolo::bench {

namespace {

/// A blank line, "\n\n", stands nowhere but at the end of an event: heads, of answers and of HTTP chunks, have CR LF.
class stamp_reader
{
public:
    explicit stamp_reader(crowd& all) : crowd_(all) {}

    /// @returns false: a stream does not end
    bool push(std::string_view bytes)
    {
        if (!begun_.empty())
            bytes = begun_.append(bytes);
        for (auto end = bytes.find("\n\n"); end != std::string_view::npos; end = bytes.find("\n\n"))
        {
            take(bytes.substr(0, end));
            bytes.remove_prefix(end + 2);
        }
        begun_ = bytes == end_of_chunk ? std::string() : std::string(bytes);
        return false;
    }

private:
    static constexpr std::string_view end_of_chunk = "\r\n";

    void take(std::string_view event)
    {
        static constexpr std::string_view before = R"("content":")";
        if (std::exchange(first_, false))
        {
            if (!event.starts_with("HTTP/1.1 200 "))
                throw std::runtime_error("not a success: " + std::string(event));
            crowd_.opened();
        }
        else if (!crowd_.over())
        {
            const auto found = event.find(before);
            crowd_.take(found == std::string_view::npos ? std::string_view()
                                                        : event.substr(found + before.size()));
        }
    }

    crowd& crowd_;
    std::string begun_;  // an event that has come in part
    bool first_ = true;
};

void warm_up(const target& what)
{
    const auto request = request_text(what);
    counts done;
    epoll_connections<answer_counter> one(what);
    one.open(what.streams(), done).ask(request);
    while (done.requests == 0)
        one.wait([](auto&) {});
}

void run(const crowd_job& what)
{
    const auto request = request_text(what);
    crowd all(what);
    // Without its buffers while a stream waits, as libcurl has it and this library.
    epoll_connections<stamp_reader> streams(what, SSL_MODE_RELEASE_BUFFERS);
    all.begin();
    while (!all.over())
    {
        for (auto left = all.openings(); left > 0; --left)
            streams.open(all).ask(request);
        streams.wait([](auto&) {});
    }
    all.report();
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_crowd(argc, argv, warm_up, run);
}
