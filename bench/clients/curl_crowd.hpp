#pragma once

#include "clients/curl_loop.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace regolo::bench {

/// An easy handle, which serves one request after the other, and what reads its answers.
template <class Answer>
class curl_transfer
{
public:
    curl_transfer(const job& what, const curl_request& request, counts& into)
        : answer_(what, into), easy_(make_easy(request, &curl_transfer::write, this))
    {
        // more gains nothing, and is held by each transfer
        checked(curl_easy_setopt(easy_.get(), CURLOPT_BUFFERSIZE, 64L * 1024));
        checked(curl_easy_setopt(easy_.get(), CURLOPT_PRIVATE, this));
    }
    curl_transfer(const curl_transfer&) = delete;
    curl_transfer& operator=(const curl_transfer&) = delete;

    [[nodiscard]] CURL* handle() const noexcept { return easy_.get(); }

    static void finish(CURL* handle)
    {
        curl_transfer* done = nullptr;
        checked(curl_easy_getinfo(handle, CURLINFO_PRIVATE, &done));
        done->answer_.finish();
    }

private:
    static std::size_t write(char* bytes, std::size_t, std::size_t size, void* self)
    {
        static_cast<curl_transfer*>(self)->answer_.push({bytes, size});
        return size;
    }

    Answer answer_;
    easy_handle easy_;
};

template <class Answer>
class curl_crowd
{
public:
    explicit curl_crowd(const job& what) : what_(what), request_(what), loop_(what.concurrency) {}

    [[nodiscard]] counts run(long requests)
    {
        counts_ = {};
        long begun = 0;
        for (; begun != std::min(requests, what_.concurrency); ++begun)
        {
            if (static_cast<std::size_t>(begun) == transfers_.size())
                transfers_.push_back(
                    std::make_unique<curl_transfer<Answer>>(what_, request_, counts_));
            loop_.add(transfers_[static_cast<std::size_t>(begun)]->handle());
        }
        while (counts_.requests != static_cast<std::uint64_t>(requests))
        {
            loop_.wait();
            while (CURL* const handle = loop_.ended())
            {
                curl_transfer<Answer>::finish(handle);
                if (begun == requests)
                    continue;
                ++begun;
                loop_.add(handle);
            }
        }
        return counts_;
    }

private:
    const job& what_;
    const curl_request request_;
    counts counts_;
    curl_loop loop_;
    std::vector<std::unique_ptr<curl_transfer<Answer>>> transfers_;
};

/// The whole program.
template <class Answer>
void run_curl(const job& what)
{
    checked(curl_global_init(CURL_GLOBAL_DEFAULT));
    curl_crowd<Answer> all(what);
    measure(what, [&](long requests) { return all.run(requests); });
}

}  // namespace regolo::bench
