#pragma once

#include <regolo/testing/script.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::inline v0::testing {

/// A text as tokens: words with the space before them, or the numbers from 1 on, made when asked for.
class token_text
{
public:
    token_text() = default;
    explicit token_text(std::string_view text);
    [[nodiscard]] static token_text counting_to(std::size_t last);

    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] std::string token(std::size_t index) const;
    [[nodiscard]] std::string joined() const;

    /// Drops the tokens from `size` on.
    void cut_to(std::size_t size);

private:
    std::vector<std::string> words_;
    std::size_t numbers_ = 0;  // used when there are no words
};

struct simulated_tool_call
{
    std::string id;
    std::string name;
    std::string arguments;
};

struct simulated_choice
{
    token_text reasoning;
    token_text text;
    std::vector<simulated_tool_call> tool_calls;
    std::string finish_reason;
    std::optional<std::string> stop_reason;  // the stop sequence that was met, as vLLM tells it
};

/// Everything an answer says, before it is written as one body or as a stream.
struct simulated_answer
{
    bool is_chat = true;
    bool include_usage = false;
    std::string id;
    std::string model;
    std::vector<simulated_choice> choices;
    std::size_t prompt_tokens = 0;
    std::optional<std::size_t> logprobs;  // with that many alternatives of each token

    [[nodiscard]] std::size_t completion_tokens() const noexcept;
};

/// Decides the answer to a request of /chat/completions or /completions whose members are valid.
[[nodiscard]] simulated_answer answer_to(const boost::json::object& request, bool is_chat);

[[nodiscard]] std::string to_body(const simulated_answer& answer);

/// What a stream leaves out, to be faulty.
struct stream_shape
{
    std::size_t most_tokens =
        static_cast<std::size_t>(-1);  // per stream; the end does not follow after a cut
    bool has_finish = true;
    bool has_done = true;
    bool is_chunked = true;
};

/// The frames of the stream, each in an HTTP chunk if the shape says so.
[[nodiscard]] piece_source to_stream(simulated_answer answer, stream_shape shape);

}  // namespace regolo::inline v0::testing
