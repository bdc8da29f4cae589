// Many files in a folder, with its folders, or in a zip: their names, and the bytes of each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace siamc {

class PictureFiles {
  public:
    virtual ~PictureFiles() = default;

    // Of those that were asked for, sorted bytewise, parts divided by "/". What begins with a dot
    // and what macOS puts beside files (__MACOSX) is passed over.
    const std::vector<std::string>& names() const { return names_; }
    // bad_data if it is damaged, encrypted or over 256 MiB; missing_input if it cannot be read.
    virtual std::vector<std::uint8_t> read(std::size_t number) = 0;
    // For messages.
    virtual std::string describe(std::size_t number) const = 0;

  protected:
    std::vector<std::string> names_;
};

// Whether it is a zip by its name, or a folder with a picture at most `picture_depth` folders down.
bool has_picture_files(const std::filesystem::path& data);
constexpr int picture_depth = 4;

// Those with a name that is wanted. bad_data if it is no zip; missing_input if it cannot be read.
std::unique_ptr<PictureFiles> open_picture_files(const std::filesystem::path& data,
                                                 bool (*wanted)(std::string_view name));

}  // namespace siamc
