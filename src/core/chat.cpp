#include "core/find_doubts.hpp"
#include "core/first_choice.hpp"

#include <regolo/chat.hpp>

#include <utility>

namespace regolo::inline v0 {

namespace {

const chat_message no_message;

std::string_view view(const std::optional<std::string>& text) noexcept
{
    return text ? std::string_view(*text) : std::string_view{};
}

}  // namespace

chat_request::chat_request(std::string_view model_name) : model(model_name) {}

chat_request::chat_request(std::string_view model_name, std::string_view user_text)
    : model(model_name)
{
    user(user_text);
}

chat_request& chat_request::system(std::string_view text) &
{
    return add(chat_message::system(text));
}

chat_request& chat_request::developer(std::string_view text) &
{
    return add(chat_message("developer", text));
}

chat_request& chat_request::user(std::string_view text) & { return add(chat_message::user(text)); }

chat_request& chat_request::user(std::vector<content_part> parts) &
{
    return add(chat_message::user(std::move(parts)));
}

chat_request& chat_request::assistant(std::string_view text) &
{
    return add(chat_message::assistant(text));
}

chat_request& chat_request::tool_result(std::string_view tool_call_id, std::string_view text) &
{
    return add(chat_message::tool_result(tool_call_id, text));
}

chat_request& chat_request::add(chat_message message) &
{
    messages.push_back(std::move(message));
    return *this;
}

const std::string& chat_response::text() const noexcept
{
    const auto& content = message().content;
    return content ? *content : core::no_text;
}

const std::string& chat_response::reasoning() const noexcept
{
    const auto& reasoning = message().reasoning;
    return reasoning ? *reasoning : core::no_text;
}

const std::string& chat_response::finish_reason() const noexcept
{
    return core::main_choice(*this) ? core::main_choice(*this)->finish_reason : core::no_text;
}

const std::vector<tool_call>& chat_response::tool_calls() const noexcept
{
    return message().tool_calls;
}

const chat_message& chat_response::message() const noexcept
{
    return core::main_choice(*this) ? core::main_choice(*this)->message : no_message;
}

answer_doubts chat_response::doubts() const noexcept
{
    return core::find_doubts(*this, metadata.model_asked);
}

std::string_view chat_chunk::text() const noexcept
{
    const auto* choice = core::first_choice(*this);
    return choice == nullptr ? std::string_view{} : view(choice->delta.content);
}

std::string_view chat_chunk::reasoning() const noexcept
{
    const auto* choice = core::first_choice(*this);
    return choice == nullptr ? std::string_view{} : view(choice->delta.reasoning);
}

std::string_view chat_chunk::finish_reason() const noexcept
{
    const auto* choice = core::first_choice(*this);
    return choice == nullptr ? std::string_view{} : std::string_view(choice->finish_reason);
}

}  // namespace regolo::inline v0
