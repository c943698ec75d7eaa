#pragma once

#include "core/json_text.hpp"
#include "core/kept_failure.hpp"
#include "core/stream_decoder.hpp"
#include "core/undo_log.hpp"

#include <regolo/transcript.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace regolo::core {

/** The stream of a transcription, of which servers have several kinds: typed events that end with one that repeats the whole
    transcript, the chunks of a chat, or objects with a piece of text each. A whole transcript, as JSON or as it is, is one
    chunk. */
template <>
class stream_decoder<transcript_chunk>
{
public:
    explicit stream_decoder(const limits& bounds)
        : events_(bounds), parser_(bounds), bounds_(bounds)
    {}

    void start(const response_head& head);
    /// @throws std::bad_alloc  and nothing was added
    void push(std::string_view bytes);
    void end_of_body() noexcept;
    [[nodiscard]] static constexpr bool wants_more() noexcept { return false; }

    /// @throws std::bad_alloc  as that of the primary template
    stream_step pull(transcript_chunk& out);

    [[nodiscard]] stream_end ended_as() const noexcept { return ended_as_; }
    /// Empty unless `pull` says failed.
    [[nodiscard]] const error_info& failure() const noexcept { return failure_.value_or_empty(); }
    [[nodiscard]] static constexpr bool repeats() noexcept { return false; }
    [[nodiscard]] bool seen_event() const noexcept
    {
        return chunks_ > 0 || ended_as_ == stream_end::failed;
    }
    [[nodiscard]] static std::string_view finish_reason() noexcept { return {}; }
    [[nodiscard]] const usage* last_usage() const noexcept { return usage_ ? &*usage_ : nullptr; }
    [[nodiscard]] const std::string& model() const noexcept { return model_; }

private:
    /// `need_more` where the event gives nothing.
    stream_step take(const server_event& event, transcript_chunk& out);
    stream_step take(boost::json::object&& event, transcript_chunk& out);
    /// The whole transcript in place of a stream.
    stream_step take_whole(transcript_chunk& out);
    stream_step conclude();
    stream_step end(stream_end how) noexcept;
    stream_step fail(error_info info);

    /// How the text comes, and with it how the stream has to end.
    enum class shape
    {
        unknown,
        pieces,    // may end anywhere
        unending,  // tells its end, and has not yet
        ended
    };

    enum class body
    {
        unknown,  // all of it will tell
        events
    };

    stream_decoder<server_event> events_;
    server_event event_;
    bool has_event_ = false;  // it was not taken, for lack of memory
    json_parser parser_;
    limits bounds_;
    body body_ = body::unknown;
    std::string media_type_;
    std::string held_;  // the body, where it is not known to have events
    bool complete_ = false;
    shape shape_ = shape::unknown;
    std::uint64_t chunks_ = 0;
    bool has_text_ = false;
    stream_end ended_as_ = stream_end::open;
    int status_ = 0;
    kept_failure failure_;
    std::optional<usage> usage_;
    std::string model_;
};

/// Puts a transcript together from the chunks of its stream.
class transcript_accumulator
{
public:
    /// @throws std::bad_alloc  and nothing of the chunk was added
    void add(const transcript_chunk& chunk);

    [[nodiscard]] const transcript& response() const noexcept { return answer_; }
    /// The same, moved out. The accumulator is empty afterwards.
    [[nodiscard]] transcript take();
    [[nodiscard]] std::string_view text() const noexcept { return answer_.text; }

private:
    void add_segment(const transcript_chunk& chunk);
    void add(undo_log& done, transcript& told, bool again);

    transcript answer_;
};

}  // namespace regolo::core
