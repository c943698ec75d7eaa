#include <regolo/embedding.hpp>

#include <algorithm>
#include <utility>

namespace regolo::inline v0 {

embedding_request::embedding_request(std::string_view model_name, std::string_view text)
    : model(model_name), input(std::string(text))
{}

embedding_request::embedding_request(std::string_view model_name, std::vector<std::string> texts)
    : model(model_name), input(std::move(texts))
{}

embedding_request::embedding_request(std::string_view model_name,
                                     std::initializer_list<std::string_view> texts)
    : model(model_name), input(std::vector<std::string>(texts.begin(), texts.end()))
{}

const std::vector<float>& embedding_response::values(std::size_t index) const noexcept
{
    static const std::vector<float> none;
    const auto found = std::find_if(data.begin(), data.end(), [index](const embedding& one) {
        return one.index == static_cast<std::int64_t>(index);
    });
    return found == data.end() ? none : found->values;
}

}  // namespace regolo::inline v0
