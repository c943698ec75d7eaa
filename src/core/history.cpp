#include "core/history.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace regolo::core {

namespace {

bool begins_turn(const chat_message& message) noexcept { return message.role == "user"; }

}  // namespace

bool is_instruction(const chat_message& message) noexcept
{
    return message.role == "system" || message.role == "developer";
}

std::vector<std::string> open_tool_calls(std::span<const chat_message> messages)
{
    const auto last = std::find_if(messages.rbegin(), messages.rend(),
                                   [](const auto& message) { return !message.tool_calls.empty(); });
    std::vector<std::string> open;
    if (last == messages.rend())
        return open;
    for (const auto& call : last->tool_calls)
        open.push_back(call.id);
    // Ids may be missing, and then all the same: each result is that of one call.
    for (auto message = last.base(); message != messages.end(); ++message)
    {
        const auto answered = message->role == "tool"
                                  ? std::find(open.begin(), open.end(), message->tool_call_id)
                                  : open.end();
        if (answered != open.end())
            open.erase(answered);
    }
    return open;
}

namespace {

/// Whether a cut there would leave a result without its call.
bool parts_a_call(const history& messages, history::const_iterator cut)
{
    const auto open = open_tool_calls({messages.begin(), cut});
    const auto next_calls = std::find_if(
        cut, messages.end(), [](const chat_message& each) { return !each.tool_calls.empty(); });
    return std::any_of(cut, next_calls, [&](const chat_message& each) {
        return each.role == "tool" &&
               std::find(open.begin(), open.end(), each.tool_call_id) != open.end();
    });
}

}  // namespace

std::size_t begin_of_last_turn(const history& messages)
{
    const auto last = std::find_if(messages.rbegin(), messages.rend(), begins_turn);
    return last == messages.rend() ? messages.size()
                                   : static_cast<std::size_t>(messages.rend() - last) - 1;
}

void trim(history& messages, std::size_t budget,
          const std::function<std::size_t(const chat_message&)>& tokens_of)
{
    const auto count = [&](std::size_t sum, const chat_message& message) {
        return sum + tokens_of(message);
    };
    auto total = std::accumulate(messages.begin(), messages.end(), std::size_t{0}, count);
    while (total > budget)
    {
        const auto begin = std::find_if_not(messages.begin(), messages.end(), is_instruction);
        const auto last =
            messages.begin() + static_cast<std::ptrdiff_t>(begin_of_last_turn(messages));
        if (begin >= last || last == messages.end())
            return;
        auto end = std::find_if(begin + 1, last, begins_turn);
        while (end != last && parts_a_call(messages, end))
            end = std::find_if(end + 1, last, begins_turn);
        if (parts_a_call(messages, end))
            return;
        const auto kept = std::stable_partition(begin, end, is_instruction);
        total -= std::accumulate(kept, end, std::size_t{0}, count);
        messages.erase(kept, end);
    }
}

std::size_t estimate_tokens(const chat_message& message)
{
    constexpr std::size_t picture = 4000;
    std::size_t bytes = message.name.size();
    if (message.parts.empty())
        bytes += message.text().size();
    for (const auto& part : message.parts)
        bytes += part.url.empty() ? part.text.size() : picture;
    for (const auto& call : message.tool_calls)
        bytes += call.name.size() + call.arguments.size();
    return bytes / 4 + 4;
}

}  // namespace regolo::core
