#include "core/find_doubts.hpp"

#include "core/http_message.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace regolo::core {

namespace {

bool has_text(const std::optional<std::string>& text) noexcept { return text && !text->empty(); }

/// Media that an answer may consist of and that have no member of their own.
bool has_media(const boost::json::object& extra) noexcept
{
    return std::any_of(extra.begin(), extra.end(), [](const auto& member) {
        return (member.key() == "audio" || member.key() == "images") && !member.value().is_null();
    });
}

/// For messages and deltas.
template <class Message>
bool has_content(const Message& message) noexcept
{
    return has_text(message.content) || !message.tool_calls.empty() || message.function_call ||
           has_media(message.extra);
}

template <class Message>
bool says_any(const Message& message) noexcept
{
    return has_content(message) || has_text(message.reasoning) || has_text(message.refusal);
}

/// Whether a choice ends as one that is complete.
bool looks_whole(std::string_view finish_reason) noexcept
{
    constexpr auto reasons =
        std::to_array<std::string_view>({"", "stop", "tool_calls", "function_call", "eos"});
    return std::find(reasons.begin(), reasons.end(), finish_reason) != reasons.end();
}

std::string_view without_prefix(std::string_view model) noexcept
{
    return model.substr(model.find_last_of('/') + 1);  // none: from 0
}

/// "-2024-08-06", "-0613", "@20240620"
bool is_version(std::string_view rest) noexcept
{
    if (rest.empty() || (rest[0] != '-' && rest[0] != '@'))
        return false;
    return std::count_if(rest.begin(), rest.end(), is_digit) >= 4 &&
           std::all_of(rest.begin() + 1, rest.end(),
                       [](char c) { return is_digit(c) || c == '-'; });
}

bool is_other(std::string_view asked, std::string_view served) noexcept
{
    return !asked.empty() && !served.empty() && !is_same_model(asked, served);
}

error_info refused(errc code, std::string message)
{
    auto info = failure(code, std::move(message));
    info.where = phase::body;
    info.sent = true;
    return info;
}

}  // namespace

answer_doubts find_doubts(const std::vector<chat_choice>& choices, std::string_view model,
                          std::string_view asked) noexcept
{
    answer_doubts found;
    found.empty = choices.empty();
    for (const auto& choice : choices)
    {
        const auto& message = choice.message;
        if (looks_whole(choice.finish_reason) && message.parts.empty() && !says_any(message))
            found.empty = true;
        if (choice.finish_reason == "length" && !has_content(message))
            found.out_of_tokens = true;
    }
    found.other_model = is_other(asked, model);
    return found;
}

answer_doubts find_doubts(const completion_response& answer, std::string_view asked) noexcept
{
    answer_doubts found;
    found.empty = answer.choices.empty() ||
                  std::any_of(answer.choices.begin(), answer.choices.end(), [](const auto& choice) {
                      return choice.text.empty() && looks_whole(choice.finish_reason);
                  });
    found.other_model = is_other(asked, answer.model);
    return found;
}

bool is_same_model(std::string_view asked, std::string_view served) noexcept
{
    asked = without_prefix(asked);
    served = without_prefix(served);
    if (iequals(asked, served))
        return true;
    return served.size() > asked.size() && iequals(served.substr(0, asked.size()), asked) &&
           is_version(served.substr(asked.size()));
}

std::optional<error_info> refuse_doubts(answer_doubts found, answer_doubts refused_ones,
                                        std::string_view asked, std::string_view served)
{
    if (found.empty && refused_ones.empty)
    {
        return refused(errc::empty_answer,
                       "the answer is empty though it ends as a whole one does: the model may have "
                       "been lost on the way; ask again");
    }
    if (found.out_of_tokens && refused_ones.out_of_tokens)
    {
        return refused(
            errc::out_of_tokens,
            "the token limit was reached before the answer began, used up by the reasoning: "
            "raise max_tokens or max_completion_tokens, or ask for less reasoning");
    }
    if (found.other_model && refused_ones.other_model)
    {
        return refused(errc::other_model, "asked for the model \"" + std::string(asked) +
                                              "\", answered by \"" + std::string(served) +
                                              "\": disable_fallbacks may forbid it");
    }
    return std::nullopt;
}

bool says_something(const chat_chunk& chunk) noexcept
{
    return std::any_of(chunk.choices.begin(), chunk.choices.end(),
                       [](const auto& choice) { return says_any(choice.delta); });
}

bool says_something(const completion_chunk& chunk) noexcept
{
    return std::any_of(chunk.choices.begin(), chunk.choices.end(),
                       [](const auto& choice) { return !choice.text.empty(); });
}

}  // namespace regolo::core
