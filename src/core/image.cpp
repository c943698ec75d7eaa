#include "core/image_type.hpp"

#include <regolo/image.hpp>

namespace regolo::inline v0 {

image_request::image_request(std::string_view model_name, std::string_view prompt_text)
    : model(model_name), prompt(prompt_text)
{}

std::string_view image::media_type() const noexcept { return core::image_type(bytes); }

const std::string& image_response::bytes(std::size_t index) const noexcept
{
    static const std::string none;
    return index < data.size() ? data[index].bytes : none;
}

}  // namespace regolo::inline v0
