#include "core/find_doubts.hpp"
#include "core/first_choice.hpp"

#include <regolo/completion.hpp>

namespace regolo::inline v0 {

completion_request::completion_request(std::string_view model_name) : model(model_name) {}

completion_request::completion_request(std::string_view model_name, std::string_view prompt_text)
    : model(model_name), prompt(std::string(prompt_text))
{}

const std::string& completion_response::text() const noexcept
{
    return core::main_choice(*this) ? core::main_choice(*this)->text : core::no_text;
}

const std::string& completion_response::finish_reason() const noexcept
{
    return core::main_choice(*this) ? core::main_choice(*this)->finish_reason : core::no_text;
}

answer_doubts completion_response::doubts() const noexcept
{
    return core::find_doubts(*this, metadata.model_asked);
}

std::string_view completion_chunk::text() const noexcept
{
    const auto* choice = core::first_choice(*this);
    return choice == nullptr ? std::string_view{} : std::string_view(choice->text);
}

std::string_view completion_chunk::finish_reason() const noexcept
{
    const auto* choice = core::first_choice(*this);
    return choice == nullptr ? std::string_view{} : std::string_view(choice->finish_reason);
}

}  // namespace regolo::inline v0
