#include "testing/simulated_answer.hpp"
#include "testing/simulated_logprobs.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <memory>
#include <utility>

namespace json = boost::json;

// Pieces of JSON are easier to follow here with their escapes.
// NOLINTBEGIN(modernize-raw-string-literal)

namespace regolo::inline v0::testing {

namespace {

constexpr std::int64_t created = 1'777'282'023;  // fixed, so that equal requests get equal answers
constexpr std::size_t most_in_a_body = 1'000'000;
constexpr int eom_token = 128'008;  // Llama's end-of-message token, which vLLM reports after tools

json::object usage_of(const simulated_answer& answer)
{
    const auto completion = answer.completion_tokens();
    return {{"prompt_tokens", answer.prompt_tokens},
            {"completion_tokens", completion},
            {"total_tokens", answer.prompt_tokens + completion},
            {"prompt_tokens_details", json::object{{"cached_tokens", 0}}}};
}

json::object message_of(const simulated_choice& choice)
{
    json::object message{{"role", "assistant"}};
    const auto has_content = choice.text.size() != 0;
    message["content"] = has_content ? json::value(choice.text.joined()) : json::value();
    if (choice.reasoning.size() != 0)
        message["reasoning_content"] = choice.reasoning.joined();
    json::array calls;
    for (const auto& call : choice.tool_calls)
        calls.push_back(
            {{"id", call.id},
             {"type", "function"},
             {"function", json::object{{"name", call.name}, {"arguments", call.arguments}}}});
    if (!calls.empty())
        message["tool_calls"] = std::move(calls);
    return message;
}

json::value stop_reason_of(const simulated_choice& choice)
{
    if (choice.stop_reason)
        return json::string(*choice.stop_reason);
    return choice.tool_calls.empty() ? json::value() : json::value(eom_token);
}

std::string json_text(std::string_view text) { return json::serialize(json::string(text)); }

/// Where to cut arguments in two without cutting a character.
std::size_t middle_of(std::string_view text)
{
    auto at = text.size() / 2;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80)
        ++at;
    return at;
}

/// The deltas of tool calls in the shape vLLM and LiteLLM give them.
std::vector<std::string> tool_deltas(const std::vector<simulated_tool_call>& calls)
{
    std::vector<std::string> deltas;
    for (std::size_t i = 0; i != calls.size(); ++i)
    {
        const auto& call = calls[i];
        const auto tail = "},\"type\":\"function\",\"index\":" + std::to_string(i) + "}]";
        deltas.push_back("\"tool_calls\":[{\"id\":" + json_text(call.id) +
                         ",\"function\":{\"arguments\":\"\",\"name\":" + json_text(call.name) +
                         tail);
        const auto middle = middle_of(call.arguments);
        for (const auto& part : {call.arguments.substr(0, middle), call.arguments.substr(middle)})
            deltas.push_back("\"tool_calls\":[{\"function\":{\"arguments\":" + json_text(part) +
                             tail);
    }
    return deltas;
}

/** Writes the frames of a stream one by one; choices take turns within each kind of delta.

    Order: reasoning, text, tool calls, finish, usage, [DONE].
*/
class frame_writer
{
public:
    frame_writer(simulated_answer answer, stream_shape shape)
        : answer_(std::move(answer)),
          shape_(shape),
          has_role_(answer_.choices.size()),
          has_usage_(answer_.include_usage)
    {
        prefix_ =
            "data: {\"id\":" + json_text(answer_.id) + ",\"created\":" + std::to_string(created) +
            ",\"model\":" + json_text(answer_.model) + ",\"object\":\"" +
            (answer_.is_chat ? "chat.completion.chunk" : "text_completion") + "\",\"choices\":[";
        for (const auto& choice : answer_.choices)
            tools_.push_back(tool_deltas(choice.tool_calls));
    }

    bool next(std::string& piece)
    {
        std::string frame;
        if (!next_frame(frame))
            return false;
        frame += "\n\n";
        piece = shape_.is_chunked ? http_chunk(frame) : frame;
        return true;
    }

private:
    enum class stage
    {
        reasoning,
        text,
        tools,
        finish,
        usage,
    };

    bool next_frame(std::string& frame)
    {
        for (; stage_ < stage::usage; advance_stage())
        {
            if (stage_ == stage::finish && !shape_.has_finish)
                continue;
            if (next_choice_frame(frame))
                return true;
            if (tokens_ == shape_.most_tokens)
                return false;
        }
        if (std::exchange(has_usage_, false) && shape_.has_finish)
        {
            frame = prefix_ + "],\"usage\":" + json::serialize(usage_of(answer_)) + '}';
            return true;
        }
        frame = "data: [DONE]";
        return std::exchange(shape_.has_done, false);
    }

    void advance_stage()
    {
        stage_ = static_cast<stage>(static_cast<int>(stage_) + 1);
        index_ = choice_ = 0;
    }

    /// The next frame of this stage; false when every choice is through with it, or the stream cut.
    bool next_choice_frame(std::string& frame)
    {
        for (; any_left(); ++index_, choice_ = 0)
        {
            while (choice_ != answer_.choices.size())
            {
                const auto choice = choice_++;
                if (index_ >= length(choice))
                    continue;
                if (stage_ != stage::finish && tokens_++ == shape_.most_tokens)
                {
                    tokens_ = shape_.most_tokens;
                    return false;
                }
                frame = prefix_ + choice_json(choice) + "]}";
                return true;
            }
        }
        return false;
    }

    [[nodiscard]] std::size_t length(std::size_t choice) const
    {
        switch (stage_)
        {
            case stage::reasoning:
                return answer_.choices[choice].reasoning.size();
            case stage::text:
                return answer_.choices[choice].text.size();
            case stage::tools:
                return tools_[choice].size();
            default:
                return 1;
        }
    }

    [[nodiscard]] bool any_left() const
    {
        for (std::size_t i = 0; i != answer_.choices.size(); ++i)
        {
            if (index_ < length(i))
                return true;
        }
        return false;
    }

    std::string choice_json(std::size_t number)
    {
        const auto& choice = answer_.choices[number];
        const auto index = "\"index\":" + std::to_string(number);
        if (stage_ == stage::finish)
            return finish_json(choice, index);
        if (!answer_.is_chat)
            return '{' + index + ",\"text\":" + json_text(choice.text.token(index_)) +
                   logprobs_member(choice) + '}';
        std::string json = '{' + index + ",\"delta\":{";
        if (!has_role_[number])
            json += "\"role\":\"assistant\",";
        has_role_[number] = true;
        if (stage_ == stage::reasoning)
            json += "\"reasoning_content\":" + json_text(choice.reasoning.token(index_));
        else if (stage_ == stage::text)
            json += "\"content\":" + json_text(choice.text.token(index_));
        else
            json += tools_[number][index_];
        return json + '}' + (stage_ == stage::text ? logprobs_member(choice) : "") + '}';
    }

    [[nodiscard]] std::string logprobs_member(const simulated_choice& choice) const
    {
        const auto logprobs = logprobs_of(answer_, choice.text, index_, index_ + 1);
        return logprobs.is_null() ? "" : ",\"logprobs\":" + json::serialize(logprobs);
    }

    [[nodiscard]] std::string finish_json(const simulated_choice& choice,
                                          const std::string& index) const
    {
        std::string json = "{\"finish_reason\":" + json_text(choice.finish_reason) + ',';
        if (const auto stop = stop_reason_of(choice); !stop.is_null())
            json += "\"stop_reason\":" + json::serialize(stop) + ',';
        return json + index + (answer_.is_chat ? ",\"delta\":{}}" : ",\"text\":\"\"}");
    }

    simulated_answer answer_;
    stream_shape shape_;
    std::vector<bool> has_role_;                   // the first delta of a choice carries the role
    bool has_usage_;                               // until it is written
    std::vector<std::vector<std::string>> tools_;  // deltas by choice
    std::string prefix_;                           // of every frame, up to the choices
    stage stage_ = stage::reasoning;
    std::size_t index_ = 0;   // token or delta within the stage
    std::size_t choice_ = 0;  // whose turn it is
    std::size_t tokens_ = 0;  // frames before the finish
};

}  // namespace

std::string to_body(const simulated_answer& whole)
{
    auto answer = whole;
    json::array choices;
    for (std::size_t i = 0; i != answer.choices.size(); ++i)
    {
        auto& choice = answer.choices[i];
        if (choice.text.size() > most_in_a_body)
        {
            choice.text.cut_to(most_in_a_body);
            choice.finish_reason = "length";
        }
        json::object made{{"index", i}, {"finish_reason", choice.finish_reason}};
        if (answer.logprobs && choice.tool_calls.empty())
            made["logprobs"] = logprobs_of(answer, choice.text, 0, choice.text.size());
        if (answer.is_chat)
            made["message"] = message_of(choice);
        else
            made["text"] = choice.text.joined();
        if (answer.is_chat)
            made["provider_specific_fields"] =
                json::object{{"stop_reason", stop_reason_of(choice)}, {"token_ids", nullptr}};
        else
            made["stop_reason"] = stop_reason_of(choice);
        choices.push_back(std::move(made));
    }
    return json::serialize(
        json::object{{"id", answer.id},
                     {"object", answer.is_chat ? "chat.completion" : "text_completion"},
                     {"created", created},
                     {"model", answer.model},
                     {"choices", std::move(choices)},
                     {"usage", usage_of(answer)}});
}

piece_source to_stream(simulated_answer answer, stream_shape shape)
{
    const auto writer = std::make_shared<frame_writer>(std::move(answer), shape);
    return [writer](std::string& piece) { return writer->next(piece); };
}

}  // namespace regolo::inline v0::testing

// NOLINTEND(modernize-raw-string-literal)
