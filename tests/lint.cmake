# SPDX-License-Identifier: Apache-2.0
# Targets that look at the source and build nothing:
#   format        rewrites every .c and .h to .clang-format
#   format-check  fails when `format` would change something
#   tidy          clang-tidy with .clang-tidy over everything that is compiled
# Another clang-format formats the same rules otherwise, so the check counts with one version only:
# that of Debian 12. Where it is missing the check says so and passes.
set(reference_version 14)
set(lint_rooms include topology engine policies tests bench)

find_program(CLANG_FORMAT NAMES clang-format-${reference_version} clang-format)
if(CLANG_FORMAT)
	execute_process(COMMAND ${CLANG_FORMAT} --version OUTPUT_VARIABLE found_version ERROR_QUIET)
endif()
if(found_version MATCHES "version ${reference_version}\\.")
	list(JOIN lint_rooms " " rooms)
	set(each "find ${rooms} -name '*.[ch]' -print0 | xargs -0 ${CLANG_FORMAT} --style=file")
	add_custom_target(format COMMAND sh -c "${each} -i"
		WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
	add_custom_target(format-check COMMAND sh -c "${each} --dry-run --Werror --ferror-limit=3"
		WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
		COMMENT "Comparing every source file with what clang-format would make of it" VERBATIM)
else()
	set(sentence "clang-format ${reference_version} is not installed (package clang-format-${reference_version}), so the format is not checked")
	add_custom_target(format COMMAND ${CMAKE_COMMAND} -E echo "${sentence}" COMMAND ${CMAKE_COMMAND} -E false VERBATIM)
	add_custom_target(format-check COMMAND ${CMAKE_COMMAND} -E echo "${sentence}" VERBATIM)
endif()

find_program(CLANG_TIDY NAMES clang-tidy)
find_program(RUN_CLANG_TIDY NAMES run-clang-tidy)
if(CLANG_TIDY AND RUN_CLANG_TIDY)
	# Headers are looked at through what includes them.
	add_custom_target(tidy
		COMMAND ${RUN_CLANG_TIDY} -quiet -clang-tidy-binary ${CLANG_TIDY} -p ${PROJECT_BINARY_DIR}
		"^${PROJECT_SOURCE_DIR}/(topology|engine|policies|tests|bench)/"
		WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} USES_TERMINAL VERBATIM)
else()
	add_custom_target(tidy COMMAND ${CMAKE_COMMAND} -E echo "clang-tidy is not installed (package clang-tidy)"
		COMMAND ${CMAKE_COMMAND} -E false VERBATIM)
endif()
