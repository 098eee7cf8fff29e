/* SPDX-License-Identifier: MIT */
/*
 * replay - runs a fuzz target over the files of its corpus, once each.
 *
 * Linked in place of libFuzzer in the normal builds. Fails when there is no
 * file: an empty corpus proves nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
        FILE *file = fopen(path, "rb");
        uint8_t *data = NULL;
        long size;

        if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
                perror(path);
                exit(1);
        }
        rewind(file);
        /* Exactly as long as the input, so that a sanitizer sees one byte too many. */
        data = malloc(size ? (size_t)size : 1);
        if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) {
                perror(path);
                exit(1);
        }
        fclose(file);
        LLVMFuzzerTestOneInput(data, (size_t)size);
        free(data);
        return 1;
}

static int replay_folder(const char *path)
{
        DIR *folder = opendir(path);
        struct dirent *entry;
        int files = 0;

        if (!folder)
                return replay_file(path);
        while ((entry = readdir(folder))) {
                char name[4096];
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
                files += replay_file(name);
        }
        closedir(folder);
        return files;
}

int main(int argc, char **argv)
{
        int files = 0;

        for (int i = 1; i < argc; i++)
                files += replay_folder(argv[i]);
        printf("%d inputs\n", files);
        return files ? 0 : 1;
}
