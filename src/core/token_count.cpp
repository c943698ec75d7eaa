#include <regolo/token_count.hpp>

#include <utility>

namespace regolo::inline v0 {

token_count_request::token_count_request(std::string_view model_name, std::string_view text)
    : model(model_name), prompt(text)
{}

token_count_request::token_count_request(std::string_view model_name,
                                         std::vector<chat_message> chat)
    : model(model_name), messages(std::move(chat))
{}

}  // namespace regolo::inline v0
