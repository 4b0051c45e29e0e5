#pragma once

#include "actors/jobs/job_part.hpp"
#include "actors/jobs/job_records.hpp"

#include <optional>
#include <string>
#include <string_view>

/// What is said to a provider about a part, and what it replies. Names of things there are believed
/// only where they can stand in a path.
namespace sluice {

/// A line of the input file: our number in place of the caller's `custom_id`, which need not be one
/// that the provider takes, and the model's name there.
void append_part_line(std::string& to, const job_line& line, endpoint kind, std::string_view model);

/// The form that uploads a file: what stands before and behind its content.
std::string upload_head(const part_record& part);
std::string upload_tail();
/// What the file is called there.
std::string upload_name(const part_record& part);

/// The body that creates the batch over the uploaded file.
std::string creation_body(const part_record& part);

/// The `id` of an object; empty where there is none that can be used.
std::string id_in(const std::string& body);
/// A batch; nothing where it is none.
std::optional<remote_batch> batch_in(const std::string& body);

/// A page of a list of the provider's.
template <class T>
struct found_in_list {
  std::optional<T> found;
  std::string after; ///< where the next page begins; empty where there is none
};

/// Our file, in a page of files.
found_in_list<std::string> find_upload(const std::string& body, const part_record& part);
/// Our batch, in a page of batches. What was created long before ours was asked for is not looked
/// at.
found_in_list<remote_batch> find_batch(const std::string& body, const part_record& part);

} // namespace sluice
